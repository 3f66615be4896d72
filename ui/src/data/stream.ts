// The one connection to /api/events: reads it, notices when it is dead, and connects again with growing pauses.
import { headersWith } from './http'
import { nothingYet, onEvent, onLost } from './live'
import { FrameReader } from './sse'
import { askForToken, refreshSession } from './session'
import { Store } from './store'
import type { ServiceEvent } from './types'

export const live = new Store(nothingYet)

// The service sends a heartbeat every 30 s: two missed ones and some, and nobody is there.
const silence = 70_000
const firstPause = 500
const longestPause = 10_000

let pause = firstPause
let timer: ReturnType<typeof setTimeout> | undefined
let running: AbortController | null = null

function takeFrame(data: string, id: string | null) {
  let event: ServiceEvent
  try {
    event = JSON.parse(data) as ServiceEvent
  } catch {
    return
  }
  pause = firstPause
  live.set((value) => onEvent(value, event, id, Date.now()))
}

async function readAll(body: ReadableStream<Uint8Array>, controller: AbortController) {
  const frames = new FrameReader()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (;;) {
    const watchdog = setTimeout(() => controller.abort(), silence)
    try {
      const { done, value } = await reader.read()
      if (done) return
      for (const { data, id } of frames.push(decoder.decode(value, { stream: true }))) takeFrame(data, id)
    } finally {
      clearTimeout(watchdog)
    }
  }
}

async function connectOnce(controller: AbortController): Promise<'again' | 'wait for token'> {
  const { lastEventId } = live.get()
  const headers: Record<string, string> = { Accept: 'text/event-stream' }
  if (lastEventId !== null) headers['Last-Event-ID'] = lastEventId
  try {
    const response = await fetch('/api/events', { headers: headersWith(headers), cache: 'no-store', signal: controller.signal })
    if (response.status === 401) {
      void askForToken('read').then((signedIn) => signedIn && connect())
      return 'wait for token'
    }
    if (response.ok && response.body) {
      void refreshSession()
      await readAll(response.body, controller)
    }
  } catch {
    // Whatever broke it, the answer is the same: try again.
  }
  return 'again'
}

async function run() {
  clearTimeout(timer)
  running?.abort()
  const controller = new AbortController()
  running = controller
  const next = await connectOnce(controller)
  if (running !== controller) return
  running = null
  if (next === 'wait for token') {
    live.set((value) => onLost(value, null))
    return
  }
  // Some jitter, so that a restarted service does not meet all its pages in the same instant.
  const wait = pause * (0.75 + Math.random() / 2)
  pause = Math.min(pause * 2, longestPause)
  live.set((value) => onLost(value, Date.now() + wait))
  timer = setTimeout(() => void run(), wait)
}

/** Connects now, whatever was planned. */
export function connect() {
  pause = firstPause
  void run()
}

export function startStream() {
  connect()
  addEventListener('online', connect)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && live.get().phase === 'lost') connect()
  })
}
