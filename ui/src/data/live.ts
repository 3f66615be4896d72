// What the dashboard shows, as a value, and how each event changes it. Pure.
import type { Group, ServerStatus, ServiceEvent } from './types'

export type Phase = 'connecting' | 'live' | 'lost'

export interface Live {
  phase: Phase
  /** Whether there has ever been an `initial` event. */
  loaded: boolean
  servers: ReadonlyMap<string, ServerStatus>
  groups: readonly Group[]
  configError: string | null
  lastEventId: string | null
  /** This browser's time of the last event, in milliseconds; null before the first. */
  lastUpdate: number | null
  /** What to add to this browser's clock to have the service's, in milliseconds. */
  clockOffset: number
  /** When the next try to connect is due, in this browser's milliseconds. */
  nextTry: number | null
  /** Grows whenever a server or group may have been edited. */
  configVersion: number
}

export const nothingYet: Live = {
  phase: 'connecting',
  loaded: false,
  servers: new Map(),
  groups: [],
  configError: null,
  lastEventId: null,
  lastUpdate: null,
  clockOffset: 0,
  nextTry: null,
  configVersion: 0,
}

function withServer(live: Live, server: ServerStatus): Live {
  return { ...live, servers: new Map(live.servers).set(server.id, server) }
}

function withoutServer(live: Live, id: string): Live {
  const servers = new Map(live.servers)
  servers.delete(id)
  return { ...live, servers }
}

function edited(live: Live): Live {
  return { ...live, configVersion: live.configVersion + 1 }
}

function applied(live: Live, event: ServiceEvent, now: number): Live {
  switch (event.type) {
    case 'connected':
    case 'heartbeat': {
      const theirs = Date.parse(event.timestamp)
      return Number.isNaN(theirs) ? live : { ...live, clockOffset: theirs - now }
    }
    case 'initial': {
      const servers = new Map(event.servers.map((server) => [server.id, server]))
      return edited({ ...live, loaded: true, servers, groups: event.groups, configError: event.configError })
    }
    case 'statusChange':
    case 'certificateChange':
      return withServer(live, event.server)
    case 'serverAdded':
    case 'serverUpdated':
      return edited(withServer(live, event.server))
    case 'serverRemoved':
      return edited(withoutServer(live, event.id))
    case 'groupsChanged':
      return edited({ ...live, groups: event.groups })
    case 'configError':
      return { ...live, configError: event.message }
    default:
      // A newer service may know more events than this page.
      return live
  }
}

export function onEvent(live: Live, event: ServiceEvent, id: string | null, now: number): Live {
  return { ...applied(live, event, now), phase: 'live', lastUpdate: now, nextTry: null, lastEventId: id ?? live.lastEventId }
}

export function onLost(live: Live, nextTry: number | null): Live {
  return { ...live, phase: live.loaded || live.phase === 'lost' || nextTry !== null ? 'lost' : 'connecting', nextTry }
}
