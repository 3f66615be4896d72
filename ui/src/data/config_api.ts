// The configuration over REST. Every write names the version that it was made from.
import { request, type Answer } from './http'
import { authorized } from './session'
import type { Group, ServerConfig, StoreCertificate } from './types'

const servers = '/api/config/servers'
const groups = '/api/config/groups'

export type ServerBody = Omit<ServerConfig, 'id'> & { id?: string }
export type GroupBody = { name: string; serverIds: string[] } & Partial<Pick<Group, 'id' | 'order' | 'rowNumber' | 'rowOrder'>>
export type Arrangement = Pick<Group, 'id' | 'order' | 'rowNumber' | 'rowOrder' | 'serverIds'>[]
export type Reassign = 'unassign' | 'default'

function at(collection: string, id: string): string {
  return `${collection}/${encodeURIComponent(id)}`
}

export const configApi = {
  servers: () => request<{ servers: ServerConfig[] }>('GET', servers),
  server: (id: string) => request<ServerConfig>('GET', at(servers, id)),
  addServer: (body: ServerBody): Promise<Answer<ServerConfig>> => authorized(() => request('POST', servers, { body })),
  saveServer: (id: string, body: ServerBody, etag: string): Promise<Answer<ServerConfig>> =>
    authorized(() => request('PUT', at(servers, id), { body, etag })),
  deleteServer: (id: string, etag: string) => authorized(() => request('DELETE', at(servers, id), { etag })),

  groups: () => request<{ groups: Group[] }>('GET', groups),
  group: (id: string) => request<Group>('GET', at(groups, id)),
  addGroup: (body: GroupBody): Promise<Answer<Group>> => authorized(() => request('POST', groups, { body })),
  saveGroup: (id: string, body: GroupBody, etag: string): Promise<Answer<Group>> =>
    authorized(() => request('PUT', at(groups, id), { body, etag })),
  deleteGroup: (id: string, etag: string, reassign: Reassign) =>
    authorized(() => request<{ reassignedServers: string[] }>('DELETE', `${at(groups, id)}?reassign=${reassign}`, { etag })),
  arrange: (arrangement: Arrangement, etag: string) => authorized(() => request('PUT', `${groups}/order`, { body: { groups: arrangement }, etag })),

  certificates: () => request<{ certificates: StoreCertificate[] }>('GET', '/api/certificates'),
}
