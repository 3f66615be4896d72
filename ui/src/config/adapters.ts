// How the two kinds of thing go into a form and back.
import { configApi, type GroupBody, type ServerBody } from '../data/config_api'
import type { Answer } from '../data/http'
import type { Group, ServerConfig } from '../data/types'
import { ruleOf, type Kind } from '../rules/rules'

export interface ServerValues {
  name: string
  ip: string
  dnsAddress: string
  port: number | string
  protocol: string
  serverName: string
  checkIntervalSeconds: number | string
  consecutiveSuccesses: number | string
  consecutiveFailures: number | string
  expiryWarningDays: number | string
  caBundle: string
  tags: string[]
}

export interface GroupValues {
  name: string
  rowNumber: number | string
  rowOrder: number | string
  serverIds: string[]
}

export interface Adapter<T extends { id: string; name: string }, V> {
  kind: Kind
  blank: V
  /** Fields that are taken over without a word when they change elsewhere: where a group stands is set in the sidebar too. */
  quiet: readonly (keyof V)[]
  toValues: (thing: T) => V
  load: (id: string) => Promise<Answer<T>>
  /** `id` when something that was deleted is to be there again. */
  create: (values: V, id?: string) => Promise<Answer<T>>
  save: (id: string, values: V, base: T, etag: string) => Promise<Answer<T>>
}

function defaultOf(field: string): number {
  return Number(ruleOf('server', field).default)
}

/** An empty field is one that is not there. */
function filled<V extends object>(values: V): Partial<V> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '' && value !== undefined)) as Partial<V>
}

function serverBody(values: ServerValues, id?: string): ServerBody {
  return { ...filled(values), ...(id === undefined ? {} : { id }) } as ServerBody
}

export const serverAdapter: Adapter<ServerConfig, ServerValues> = {
  kind: 'server',
  quiet: [],
  blank: {
    name: '',
    ip: '',
    dnsAddress: '',
    port: defaultOf('port'),
    protocol: String(ruleOf('server', 'protocol').default),
    serverName: '',
    checkIntervalSeconds: defaultOf('checkIntervalSeconds'),
    consecutiveSuccesses: defaultOf('consecutiveSuccesses'),
    consecutiveFailures: defaultOf('consecutiveFailures'),
    expiryWarningDays: defaultOf('expiryWarningDays'),
    caBundle: '',
    tags: [],
  },
  toValues: (server) => ({
    name: server.name,
    ip: server.ip ?? '',
    dnsAddress: server.dnsAddress ?? '',
    port: server.port,
    protocol: server.protocol,
    serverName: server.serverName ?? '',
    checkIntervalSeconds: server.checkIntervalSeconds,
    consecutiveSuccesses: server.consecutiveSuccesses,
    consecutiveFailures: server.consecutiveFailures,
    expiryWarningDays: server.expiryWarningDays,
    caBundle: server.caBundle ?? '',
    tags: server.tags ?? [],
  }),
  load: configApi.server,
  create: (values, id) => configApi.addServer(serverBody(values, id)),
  save: (id, values, _base, etag) => configApi.saveServer(id, serverBody(values, id), etag),
}

function groupBody(values: GroupValues, more: Partial<GroupBody>): GroupBody {
  return { ...filled(values), ...more } as GroupBody
}

export const groupAdapter: Adapter<Group, GroupValues> = {
  kind: 'group',
  quiet: ['rowNumber', 'rowOrder'],
  // Without a row the service gives a new group a row of its own at the end.
  blank: { name: '', rowNumber: '', rowOrder: '', serverIds: [] },
  toValues: ({ name, rowNumber, rowOrder, serverIds }) => ({ name, rowNumber, rowOrder, serverIds }),
  load: configApi.group,
  create: (values, id) => configApi.addGroup(groupBody(values, id === undefined ? {} : { id })),
  save: (id, values, { order, rowNumber, rowOrder }, etag) => configApi.saveGroup(id, { rowNumber, rowOrder, order, ...groupBody(values, { id }) }, etag),
}
