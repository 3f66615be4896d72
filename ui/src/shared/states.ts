// How a state is called, and how loud it is.
import type { ServerStatus, State } from '../data/types'

export type Tone = 'good' | 'warn' | 'bad' | 'quiet'

export const states: Record<State, { label: string; tone: Tone }> = {
  online: { label: 'Online', tone: 'good' },
  expiring: { label: 'Expiring', tone: 'warn' },
  expired: { label: 'Expired', tone: 'bad' },
  offline: { label: 'Offline', tone: 'bad' },
  untrusted: { label: 'Not trusted', tone: 'bad' },
  'mismatched-name': { label: 'Wrong name', tone: 'bad' },
  unknown: { label: 'Not checked', tone: 'quiet' },
}

/** A newer service may know more states than this page. */
export function stateOf(name: string): State {
  return name in states ? (name as State) : 'unknown'
}

const usualPort = 443

export function addressOf({ dnsAddress, ip, port }: Pick<ServerStatus, 'port'> & { dnsAddress?: string | null; ip?: string | null }): string {
  const host = (dnsAddress ?? '') === '' ? (ip ?? '') : (dnsAddress ?? '')
  // What everybody expects is not said: there is room for the name.
  if (port === usualPort) return host
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
