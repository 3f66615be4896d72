// Short messages that appear above the page, and what is only said to screen readers.
import { Store } from '../data/store'

export interface Notice {
  id: number
  tone: 'good' | 'bad'
  text: string
}

export const notices = new Store<readonly Notice[]>([])
const stay = 6000
let last = 0

export function dismiss(id: number) {
  notices.set((list) => list.filter((one) => one.id !== id))
}

/** A good one goes by itself; a bad one stays until it is dismissed. */
export function notify(tone: Notice['tone'], text: string) {
  last += 1
  const id = last
  notices.set((list) => [...list.slice(-3), { id, tone, text }])
  if (tone === 'good') setTimeout(() => dismiss(id), stay)
}

export function notifyError(error: unknown) {
  notify('bad', error instanceof Error ? error.message : String(error))
}
