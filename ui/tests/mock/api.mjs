// The REST interface and the events of the mock.
import { createHash } from 'node:crypto'
import { errorsOf, ruleOf } from './rules.mjs'
import { makeWorld, statusOf } from './world.mjs'

class Refusal extends Error {
  constructor(status, message, data) {
    super(message)
    Object.assign(this, { status, data })
  }
}

const mostEvents = 1024

function etagOf(value) {
  return `"${createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 24)}"`
}

export class Api {
  constructor({ size, token }) {
    this.token = token
    this.epoch = 'e1'
    this.count = 0
    this.ring = []
    this.streams = new Set()
    this.configError = null
    this.readNeedsToken = false
    Object.assign(this, makeWorld(size, Date.now()))
  }

  // --- events ---

  publish(type, data) {
    this.count += 1
    const frame = { number: this.count, text: `id: ${this.epoch}-${this.count}\ndata: ${JSON.stringify({ type, ...data })}\n\n` }
    this.ring.push(frame)
    if (this.ring.length > mostEvents) this.ring.shift()
    for (const stream of this.streams) stream.write(frame.text)
  }

  /** A restarted service knows no earlier event. */
  restart() {
    this.epoch = `${this.epoch}x`
    this.ring = []
    this.streams.clear()
  }

  attach(lastEventId, response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    response.write(`data: ${JSON.stringify({ type: 'connected', timestamp: new Date().toISOString(), lastEventId: lastEventId ?? null })}\n\n`)
    const [epoch, number] = (lastEventId ?? '').split('-')
    const oldest = this.ring[0]?.number ?? this.count + 1
    if (epoch === this.epoch && Number(number) >= oldest - 1) for (const frame of this.ring.filter((one) => one.number > Number(number))) response.write(frame.text)
    else {
      const initial = { type: 'initial', servers: [...this.statuses.values()], groups: this.groups, configError: this.configError }
      response.write(`id: ${this.epoch}-${this.count}\ndata: ${JSON.stringify(initial)}\n\n`)
    }
    this.streams.add(response)
    response.on('close', () => this.streams.delete(response))
  }

  /** What a check would have found. */
  setStatus(id, how) {
    const server = this.servers.find((one) => one.id === id)
    const status = statusOf(server, Date.now(), how)
    this.statuses.set(id, status)
    this.publish('statusChange', { server: status })
  }

  // --- REST ---

  answer({ method, url, headers, body }, response) {
    const reply = (status, value, etag) => {
      response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...(etag ? { ETag: etag } : {}) })
      response.end(JSON.stringify(value))
    }
    try {
      const writes = method !== 'GET'
      const known = headers.authorization === `Bearer ${this.token}`
      if (url.pathname !== '/api/session' && !known && (writes || this.readNeedsToken)) throw new Refusal(401, 'Unauthorized')
      if (url.pathname === '/api/events') return this.attach(headers['last-event-id'], response)
      if (url.pathname === '/api/session')
        return reply(200, { success: true, data: { mayRead: known || !this.readNeedsToken, mayWrite: known, who: known ? 'token' : 'anonymous', version: 'mock' } })
      const { status = 200, data, etag } = this.route(method, url, headers['if-match'], body ? JSON.parse(body) : undefined)
      return reply(status, { success: true, data }, etag)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return reply(error.status, { success: false, error: error.message, ...(error.data ? { data: error.data } : {}) })
    }
  }

  route(method, url, ifMatch, body) {
    const [, , area, collection, id] = url.pathname.split('/').map(decodeURIComponent)
    if (area === 'certificates') return { data: { certificates: this.certificates } }
    if (area !== 'config' || (collection !== 'servers' && collection !== 'groups')) throw new Refusal(404, 'Route not found')
    const list = this[collection]
    if (id === undefined) {
      if (method === 'GET') return { data: { [collection]: list }, etag: etagOf(list) }
      return collection === 'servers' ? this.addServer(body) : this.addGroup(body)
    }
    if (id === 'order' && collection === 'groups' && method === 'PUT') return this.arrange(ifMatch, body)
    const thing = list.find((one) => one.id === id)
    if (!thing) throw new Refusal(404, 'Not found')
    if (method === 'GET') return { data: thing, etag: etagOf(thing) }
    this.mustMatch(ifMatch, thing)
    if (collection === 'servers') return method === 'PUT' ? this.saveServer(thing, body) : this.deleteServer(thing)
    return method === 'PUT' ? this.saveGroup(thing, body) : this.deleteGroup(thing, url.searchParams.get('reassign') ?? 'unassign')
  }

  mustMatch(ifMatch, value) {
    if (ifMatch === undefined || ifMatch === '*') throw new Refusal(428, 'Precondition required')
    if (ifMatch !== etagOf(value)) throw new Refusal(412, 'Changed elsewhere')
  }

  withDefaults(body) {
    const fields = ['port', 'protocol', 'checkIntervalSeconds', 'consecutiveSuccesses', 'consecutiveFailures', 'expiryWarningDays']
    return { ...Object.fromEntries(fields.map((field) => [field, ruleOf('server', field).default])), ...body }
  }

  mustBeValid(kind, body, id) {
    const errors = errorsOf(kind, body)
    const taken = kind === 'group' && this.groups.some((group) => group.id !== id && group.name.toLowerCase() === String(body.name).toLowerCase())
    if (taken) errors.name ??= 'There is a group of this name'
    for (const [index, serverId] of (kind === 'group' && Array.isArray(body.serverIds) ? body.serverIds : []).entries())
      if (!this.servers.some((server) => server.id === serverId)) errors[`serverIds.${index}`] ??= 'There is no such server'
    if (Object.keys(errors).length > 0) throw new Refusal(400, 'Validation failed', errors)
  }

  addServer(body) {
    this.mustBeValid('server', body)
    let number = 1
    while (this.servers.some(({ id }) => id === `server-${String(number).padStart(3, '0')}`)) number += 1
    const server = { id: `server-${String(number).padStart(3, '0')}`, ...this.withDefaults(body) }
    this.servers.push(server)
    this.watch('serverAdded', server)
    return { status: 201, data: server, etag: etagOf(server) }
  }

  watch(event, server) {
    this.statuses.set(server.id, statusOf(server, Date.now()))
    this.publish(event, { server: this.statuses.get(server.id) })
  }

  saveServer(server, body) {
    this.mustBeValid('server', body, server.id)
    const saved = { ...this.withDefaults(body), id: server.id }
    this.servers = this.servers.map((one) => (one.id === server.id ? saved : one))
    const before = this.statuses.get(server.id)
    this.statuses.set(server.id, { ...before, name: saved.name, ip: saved.ip ?? '', dnsAddress: saved.dnsAddress ?? '', port: saved.port, protocol: saved.protocol, tags: saved.tags ?? [] })
    this.publish('serverUpdated', { server: this.statuses.get(server.id) })
    return { data: saved, etag: etagOf(saved) }
  }

  deleteServer({ id }) {
    this.servers = this.servers.filter((one) => one.id !== id)
    this.statuses.delete(id)
    this.publish('serverRemoved', { id })
    this.setGroups(this.groups.map((group) => ({ ...group, serverIds: group.serverIds.filter((one) => one !== id) })))
    return { data: { deletedId: id } }
  }

  setGroups(groups) {
    this.groups = groups
    this.publish('groupsChanged', { groups })
  }

  addGroup(body) {
    this.mustBeValid('group', body)
    const highest = Math.max(0, ...this.groups.map(({ id }) => Number(id.replace('group-', '')) || 0))
    const row = Math.max(0, ...this.groups.map(({ rowNumber }) => rowNumber)) + 1
    const group = { id: `group-${highest + 1}`, order: this.groups.length + 1, serverIds: [], rowNumber: row, rowOrder: 1, ...body }
    this.setGroups([...this.groups, group])
    return { status: 201, data: group, etag: etagOf(group) }
  }

  saveGroup(group, body) {
    this.mustBeValid('group', body, group.id)
    const saved = { ...group, ...body, id: group.id }
    this.setGroups(this.groups.map((one) => (one.id === group.id ? saved : one)))
    return { data: saved, etag: etagOf(saved) }
  }

  deleteGroup(group, reassign) {
    let others = this.groups.filter(({ id }) => id !== group.id)
    const first = [...others].sort((a, b) => a.order - b.order)[0]
    if (reassign === 'default' && first) others = others.map((one) => (one === first ? { ...one, serverIds: [...new Set([...one.serverIds, ...group.serverIds])] } : one))
    this.setGroups(others)
    return { data: { deletedId: group.id, reassignedServers: reassign === 'default' ? group.serverIds : [] } }
  }

  arrange(ifMatch, { groups }) {
    this.mustMatch(ifMatch, this.groups)
    this.setGroups(this.groups.map((group) => ({ ...group, ...groups.find(({ id }) => id === group.id) })))
    return { data: { groups: this.groups }, etag: etagOf(this.groups) }
  }
}
