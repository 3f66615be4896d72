// What the flows run against: the mock, or the real program. Both have the same handles.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './browser.mjs'
import { startMock } from '../mock/server.mjs'

/** REST as somebody else uses it, beside the page. */
async function rest(backend, method, path, body, etag) {
  const headers = { Authorization: `Bearer ${backend.token}`, 'Content-Type': 'application/json', ...(etag ? { 'If-Match': etag } : {}) }
  const answer = await fetch(backend.base + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
  const value = await answer.json()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(value)}`)
  return { data: value.data, etag: answer.headers.get('ETag') }
}

class Backend {
  rest(method, path, body, etag) {
    return rest(this, method, path, body, etag)
  }

  /** Changes one thing as somebody else would. */
  async change(path, fields) {
    const { data, etag } = await this.rest('GET', path)
    const { data: saved } = await this.rest('PUT', path, { ...data, ...fields }, etag)
    return saved
  }

  async remove(path) {
    const { etag } = await this.rest('GET', path)
    await this.rest('DELETE', path, undefined, etag)
  }
}

export class MockBackend extends Backend {
  static real = false
  token = 'secret-token'

  async start(size) {
    this.mock = await startMock({ dist: process.env.DIST, size, token: this.token })
    this.base = this.mock.base
    this.api = this.mock.api
  }

  async kill() {
    await this.mock.close()
  }

  async restart() {
    this.api.restart()
    this.mock = await startMock({ dist: process.env.DIST, port: this.mock.port, api: this.api })
  }

  async configError(broken) {
    this.api.configError = broken ? 'servers.json: line 3: not JSON' : null
    this.api.publish('configError', { message: this.api.configError, file: 'servers.json' })
  }

  stop() {
    return this.mock.close()
  }
}

async function freePort() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

export class RealBackend extends Backend {
  static real = true

  async start(size) {
    this.root = mkdtempSync(join(tmpdir(), 'lockstep-page-'))
    this.port = await freePort()
    this.base = `http://127.0.0.1:${this.port}`
    await this.restart()
    this.token = readFileSync(join(this.root, 'service', 'token'), 'utf8').trim()
    if (size === 'few') await this.fill()
  }

  /** Like the mock's few; what they watch is this service itself, or nothing. */
  async fill() {
    const dead = await freePort()
    const server = async (name, port, more = {}) => (await this.rest('POST', '/api/config/servers', { name, ip: '127.0.0.1', port, protocol: 'tcp', checkIntervalSeconds: 5, consecutiveSuccesses: 1, consecutiveFailures: 1, ...more })).data.id // prettier-ignore
    const ids = []
    for (const name of ['Web shop', 'Payments API', 'Customer portal', 'Mail gateway']) ids.push(await server(name, this.port))
    ids.push(await server('VPN Frankfurt', dead))
    await server('Build cache', this.port)
    await this.rest('POST', '/api/config/groups', { name: 'Public', serverIds: ids.slice(0, 3), rowNumber: 1, rowOrder: 1 })
    await this.rest('POST', '/api/config/groups', { name: 'Infrastructure', serverIds: ids.slice(3), rowNumber: 1, rowOrder: 2 })
  }

  async restart() {
    this.program = spawn(process.env.LOCKSTEP, ['serve', '--path', this.root, '--listen', `127.0.0.1:${this.port}`], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [this.program.stdout, this.program.stderr]) stream.on('data', (bytes) => (said += bytes))
    await eventually(`lockstep serve answers: ${said}`, async () => {
      if (this.program.exitCode !== null) throw new Error(`lockstep serve ended with ${this.program.exitCode}: ${said}`)
      return (await fetch(`${this.base}/health`)).ok
    })
  }

  async kill() {
    if (this.program.exitCode !== null || this.program.signalCode !== null) return
    this.program.kill('SIGKILL')
    await once(this.program, 'exit')
  }

  async configError(broken) {
    const file = join(this.root, 'service', 'servers.json')
    if (broken) this.good = readFileSync(file)
    writeFileSync(file, broken ? '[{"name": ' : this.good)
  }

  async stop() {
    await this.kill()
    rmSync(this.root, { recursive: true, force: true })
  }
}
