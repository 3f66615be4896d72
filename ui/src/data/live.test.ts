import { expect, test } from 'vitest'
import { nothingYet, onEvent, onLost } from './live'
import type { ServerStatus, ServiceEvent } from './types'

const server = (id: string, state: ServerStatus['state'] = 'online') => ({ id, name: id, state }) as ServerStatus
const after = (...events: ServiceEvent[]) => events.reduce((live, event, index) => onEvent(live, event, `e-${index}`, 1000 + index), nothingYet)

test('the first picture, and what changes it', () => {
  const initial: ServiceEvent = { type: 'initial', servers: [server('a'), server('b')], groups: [], configError: null }
  const live = after(initial, { type: 'statusChange', server: server('a', 'offline') }, { type: 'serverRemoved', id: 'b' }, { type: 'serverAdded', server: server('c') })
  expect([...live.servers.values()].map(({ id, state }) => `${id} ${state}`)).toEqual(['a offline', 'c online'])
  expect(live).toMatchObject({ phase: 'live', loaded: true, lastEventId: 'e-3', lastUpdate: 1003, configVersion: 3 })
})

test('a status is no edit', () => {
  expect(after({ type: 'statusChange', server: server('a') }, { type: 'certificateChange', server: server('a') }).configVersion).toBe(0)
})

test('a later first picture replaces all', () => {
  const live = after(
    { type: 'initial', servers: [server('a')], groups: [], configError: 'bad file' },
    { type: 'initial', servers: [server('b')], groups: [], configError: null },
  )
  expect([...live.servers.keys()]).toEqual(['b'])
  expect(live.configError).toBeNull()
})

test('the service’s clock is the one that counts', () => {
  const live = after({ type: 'connected', timestamp: '1970-01-01T00:01:00Z', lastEventId: null })
  expect(live.clockOffset).toBe(59_000)
})

test('a lost connection keeps the picture and the place', () => {
  const live = onLost(after({ type: 'initial', servers: [server('a')], groups: [], configError: null }), 5000)
  expect(live).toMatchObject({ phase: 'lost', nextTry: 5000, lastEventId: 'e-0', loaded: true })
  expect(onEvent(live, { type: 'heartbeat', timestamp: 'x' }, null, 6000)).toMatchObject({ phase: 'live', nextTry: null, lastEventId: 'e-0' })
})

test('an unknown event changes nothing', () => {
  const live = after({ type: 'initial', servers: [server('a')], groups: [], configError: null })
  expect(onEvent(live, { type: 'sunrise' } as unknown as ServiceEvent, 'e-9', 1000).servers).toBe(live.servers)
})
