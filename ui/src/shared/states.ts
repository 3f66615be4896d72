// How a state is called, and how loud it is.
import type { ServerStatus, State } from '../data/types'

export type Tone = 'good' | 'warn' | 'bad' | 'quiet'

export const states: Record<State, { label: string; tone: Tone }> = {
  online: { label: 'Online', tone: 'good' },
  expiring: { label: 'Expiring soon', tone: 'warn' },
  expired: { label: 'Expired', tone: 'bad' },
  offline: { label: 'Offline', tone: 'bad' },
  untrusted: { label: 'Not trusted', tone: 'bad' },
  'mismatched-name': { label: 'Wrong name', tone: 'bad' },
  unknown: { label: 'Not checked yet', tone: 'quiet' },
}

/** A newer service may know more states than this page. */
export function stateOf(name: string): State {
  return name in states ? (name as State) : 'unknown'
}

export function addressOf({ dnsAddress, ip, port }: Pick<ServerStatus, 'port'> & { dnsAddress?: string | null; ip?: string | null }): string {
  const host = dnsAddress ?? ''
  if (host !== '') return `${host}:${port}`
  const address = ip ?? ''
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
