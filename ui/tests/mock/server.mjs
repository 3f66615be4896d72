// The service as the page knows it, without checking anything: for developing the page and for its tests. What it
// answers is the contract of the real one; the same tests run against that too.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join } from 'node:path'
import { Api } from './api.mjs'

const policy = "default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'"
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const mostBody = 1 << 20

async function bodyOf(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > mostBody) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

async function serveAsset(dist, path, response) {
  const name = path === '/' || path === '/config' ? '/index.html' : path
  if (name.includes('..') || !types[extname(name)]) return false
  try {
    const bytes = await readFile(join(dist, name))
    const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 20)}"`
    response.writeHead(200, { 'Content-Type': types[extname(name)], 'Content-Security-Policy': policy, ETag: etag, 'Cache-Control': 'no-cache' })
    response.end(bytes)
    return true
  } catch {
    return false
  }
}

/** Starts it; `close` ends it with all its connections, as a kill would. */
export async function startMock({ dist, size = 'few', port = 0, token = 'secret-token', api = new Api({ size, token }) }) {
  const sockets = new Set()
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://mock')
    try {
      if (url.pathname.startsWith('/api/') || url.pathname === '/health') {
        const body = await bodyOf(request)
        api.answer({ method: request.method, url, headers: request.headers, body }, response)
      } else if (!(await serveAsset(dist, url.pathname, response))) {
        response.writeHead(404, { 'Content-Type': 'application/json' })
        response.end(JSON.stringify({ success: false, error: 'Route not found' }))
      }
    } catch (error) {
      console.error(error)
      response.writeHead(500, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify({ success: false, error: 'Internal server error' }))
    }
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    api,
    port: server.address().port,
    base: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        for (const socket of sockets) socket.destroy()
      }),
  }
}
