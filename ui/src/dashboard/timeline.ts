// The upcoming expiries of the servers' and the store's certificates. Pure.
import type { ServerStatus, StoreCertificate } from '../data/types'
import { daysUntil } from '../shared/time'

export interface Expiry {
  key: string
  name: string
  kind: 'server' | 'store'
  /** The server's id, for a link. */
  id: string | null
  notAfter: string
  days: number
  tone: 'good' | 'warn' | 'bad'
}

function toneOf(days: number, warning: number): Expiry['tone'] {
  return days < 0 ? 'bad' : days < warning ? 'warn' : 'good'
}

const storeWarningDays = 30

/** The soonest first; what is past is the soonest. */
export function expiries(servers: Iterable<ServerStatus>, store: readonly StoreCertificate[], now: number): Expiry[] {
  const found: Expiry[] = []
  for (const { id, name, certificate, expiryWarningDays } of servers) {
    if (!certificate) continue
    const days = daysUntil(certificate.notAfter, now)
    found.push({ key: `server ${id}`, name, kind: 'server', id, notAfter: certificate.notAfter, days, tone: toneOf(days, expiryWarningDays) })
  }
  for (const { name, notAfter } of store) {
    const days = daysUntil(notAfter, now)
    if (Number.isNaN(days)) continue
    found.push({ key: `store ${name}`, name, kind: 'store', id: null, notAfter, days, tone: toneOf(days, storeWarningDays) })
  }
  return found.sort((a, b) => a.days - b.days || a.name.localeCompare(b.name))
}

/** Marks of the scale, in days. */
export const marks = [0, 7, 30, 90, 180, 365]

/** Where `days` stands on the scale, 0 to 100: near days have more room than far ones. */
export function position(days: number): number {
  const last = marks.at(-1) ?? 365
  const bounded = Math.min(Math.max(days, 0), last)
  return (Math.sqrt(bounded) / Math.sqrt(last)) * 100
}

export interface Dot {
  at: number
  count: number
  tone: Expiry['tone']
  title: string
}


/** Dots of the scale; those nearer than `apart`, in the scale's units, are one with a count. */
export function dots(list: readonly Expiry[], apart: number): Dot[] {
  const found: Dot[] = []
  for (const { days, tone, name } of list) {
    const last = found.at(-1)
    const near = last !== undefined && position(days) - last.at < apart
    // Of another kind, it stands beside it.
    const at = Math.min(near ? last.at + apart : position(days), 100)
    if (near && last.tone === tone) {
      last.count += 1
      last.title = `${last.count} certificates`
    } else found.push({ at, count: 1, tone, title: name })
  }
  return found
}
