import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { live } from '../data/stream'
import { useStore } from '../data/store'
import type { ServerConfig } from '../data/types'
import { Link } from '../routing/link'
import { Icon } from '../shared/icons'
import { addressOf, stateOf, states } from '../shared/states'
import { moveFocus, tabStop } from './roving'
import css from './sidebar.module.css'

const manyServers = 10

function matches(server: ServerConfig, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/)
  const all = [server.name, server.dnsAddress, server.ip, ...(server.tags ?? [])].join(' ').toLowerCase()
  return words.every((word) => all.includes(word))
}

export function ServerList({ servers, open }: { servers: readonly ServerConfig[]; open: string | null }) {
  const { servers: statuses } = useStore(live)
  const [text, setText] = useState('')
  const [focused, setFocused] = useState<string | null>(null)
  const shown = servers.filter((server) => matches(server, text)).sort((a, b) => a.name.localeCompare(b.name))
  const stop = tabStop(shown.map(({ id }) => id), open, focused)
  return (
    <>
      {servers.length >= manyServers && (
        <TextInput className={css.search} size="xs" type="search" aria-label="Search servers" placeholder="Search" leftSection={<Icon name="search" size={14} />} value={text} onChange={({ currentTarget }) => setText(currentTarget.value)} />
      )}
      {servers.length === 0 && <p className={css.hint}>No servers yet. Add the first one with the plus above.</p>}
      {servers.length > 0 && shown.length === 0 && <p className={css.hint}>No server matches.</p>}
      <ul className={css.list} aria-label="Servers" onKeyDown={moveFocus}>
        {shown.map((server) => {
          const state = stateOf(statuses.get(server.id)?.state ?? 'unknown')
          return (
            <li key={server.id}>
              <Link
                to={{ page: 'config', kind: 'server', id: server.id }}
                className={css.item}
                data-roving=""
                tabIndex={server.id === stop ? 0 : -1}
                aria-current={server.id === open ? 'page' : undefined}
                onFocus={() => setFocused(server.id)}
              >
                <span className={css.state} data-tone={states[state].tone} title={states[state].label}>
                  <Icon name={state} size={16} />
                </span>
                <span className={css.texts}>
                  <span className={css.name}>{server.name}</span>
                  <span className={css.address}>{addressOf(server)}</span>
                </span>
                <span className="visually-hidden">, {states[state].label}</span>
              </Link>
            </li>
          )
        })}
      </ul>
    </>
  )
}
