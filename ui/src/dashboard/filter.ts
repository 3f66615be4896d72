// Which servers are shown. Pure.
import type { ServerStatus, State } from '../data/types'
import { stateOf } from '../shared/states'

export type Bucket = 'all' | 'online' | 'expiring' | 'problems' | 'unknown'

const buckets: Record<State, Bucket> = {
  online: 'online',
  expiring: 'expiring',
  expired: 'problems',
  offline: 'problems',
  untrusted: 'problems',
  'mismatched-name': 'problems',
  unknown: 'unknown',
}

export function bucketOf(server: ServerStatus): Bucket {
  return buckets[stateOf(server.state)]
}

export function counts(servers: Iterable<ServerStatus>): Record<Bucket, number> {
  const found: Record<Bucket, number> = { all: 0, online: 0, expiring: 0, problems: 0, unknown: 0 }
  for (const server of servers) {
    found.all += 1
    found[bucketOf(server)] += 1
  }
  return found
}

function words(server: ServerStatus): string {
  const { certificate } = server
  return [server.name, server.dnsAddress, server.ip, server.port, ...server.tags, certificate?.issuer ?? ''].join(' ').toLowerCase()
}

export interface Filter {
  text: string
  bucket: Bucket
}

export function shown(servers: ReadonlyMap<string, ServerStatus>, { text, bucket }: Filter): ReadonlyMap<string, ServerStatus> {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (wanted.length === 0 && bucket === 'all') return servers
  const fits = (server: ServerStatus) =>
    (bucket === 'all' || bucketOf(server) === bucket) && wanted.every((word) => words(server).includes(word))
  return new Map([...servers].filter(([, server]) => fits(server)))
}

export function problemCount(servers: Iterable<ServerStatus>): number {
  return counts(servers).problems
}
