// Tells screen readers what changed, politely and in one sentence.
import { useEffect, useRef, useState } from 'react'
import { live } from '../data/stream'
import { useStore } from '../data/store'
import type { ServerStatus } from '../data/types'
import { stateOf, states } from '../shared/states'

const collect = 1000

export function sentence(names: readonly { name: string; state: string }[]): string {
  const told = names.slice(0, 3).map(({ name, state }) => `${name}: ${states[stateOf(state)].label}`)
  const more = names.length - told.length
  return told.join('. ') + (more > 0 ? `. ${more} more servers changed.` : '.')
}

function changes(before: ReadonlyMap<string, ServerStatus>, after: ReadonlyMap<string, ServerStatus>): ServerStatus[] {
  return [...after.values()].filter((server) => {
    const old = before.get(server.id)
    return old !== undefined && old.state !== server.state
  })
}

export function StatusAnnouncer() {
  const { servers } = useStore(live)
  const before = useRef(servers)
  const waiting = useRef(new Map<string, ServerStatus>())
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const [text, setText] = useState('')

  useEffect(() => {
    for (const server of changes(before.current, servers)) waiting.current.set(server.id, server)
    before.current = servers
    if (waiting.current.size === 0) return
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      setText(sentence([...waiting.current.values()]))
      waiting.current.clear()
    }, collect)
  }, [servers])

  return (
    <div className="visually-hidden" role="status" data-announcer>
      {text}
    </div>
  )
}
