// The page `/config`: what is watched and in which groups it is shown.
import { ActionIcon, Button, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import { useStore } from '../data/store'
import type { Kind } from '../rules/rules'
import { navigate, place } from '../routing/router'
import { Icon } from '../shared/icons'
import { useConfigData, type ConfigData } from './config_data'
import { GroupForm } from './group_form'
import { GroupList } from './group_list'
import { ServerForm } from './server_form'
import { ServerList } from './server_list'
import css from './config_page.module.css'

function add(kind: Kind) {
  navigate({ page: 'config', kind, id: 'new' })
}

function SidebarSection({ kind, title, count, children }: { kind: Kind; title: string; count: number; children: ReactNode }) {
  const label = `Add a ${kind}`
  return (
    <section className={css.section} data-kind={kind} aria-labelledby={`${kind}-list-title`}>
      <div className={css.sectionHead}>
        <h2 id={`${kind}-list-title`}>
          {title} <span className={css.count}>{count}</span>
        </h2>
        <Tooltip label={label} position="left">
          <ActionIcon variant="light" aria-label={label} onClick={() => add(kind)}>
            <Icon name="plus" size={18} />
          </ActionIcon>
        </Tooltip>
      </div>
      <div className={css.scroll}>{children}</div>
    </section>
  )
}

function Step({ done, title, text, kind, primary }: { done: boolean; title: string; text: string; kind: Kind; primary: boolean }) {
  return (
    <li className={css.step} data-done={done || undefined}>
      <span className={css.stepMark}>{done ? <Icon name="check" size={18} /> : <Icon name={kind} size={18} />}</span>
      <div>
        <h2>
          {title}
          {done && <span className="visually-hidden"> (done)</span>}
        </h2>
        <p>{text}</p>
      </div>
      <Button variant={primary ? 'filled' : 'default'} leftSection={<Icon name="plus" />} onClick={() => add(kind)}>
        {`Add a ${kind}`}
      </Button>
    </li>
  )
}

/** Nothing is selected: what to do first, or next. */
function Welcome({ data: { loaded, servers, groups } }: { data: ConfigData }) {
  if (!loaded) return <div className={css.welcome} />
  const first = servers.length === 0
  return (
    <div className={css.welcome} data-known={!first || undefined}>
      <h1>{first ? 'Set up what is watched' : 'Configuration'}</h1>
      <p className={css.lead}>{first ? 'Two steps, and the dashboard is alive. Changes act at once; nothing needs a restart.' : 'Choose a server or a group in the list to change it. Changes act at once; nothing needs a restart.'}</p>
      <ol className={css.steps}>
        <Step kind="server" done={!first} primary={first} title="Servers" text={first ? 'A server is an address and a port whose certificate is watched.' : `${servers.length} watched.`} />
        <Step
          kind="group"
          done={groups.length > 0}
          primary={!first && groups.length === 0}
          title="Groups"
          text={groups.length === 0 ? 'A group is a box on the dashboard. Servers without one are shown under Ungrouped.' : `${groups.length} on the dashboard.`}
        />
      </ol>
    </div>
  )
}

export function ConfigPage() {
  const { kind, id } = useStore(place)
  const data = useConfigData()
  const { servers, groups } = data
  const open = kind !== null && id !== null
  return (
    <div className={css.page} data-open={open} data-empty={data.loaded && servers.length + groups.length === 0}>
      <aside className={css.sidebar} aria-label="Servers and groups">
        <SidebarSection kind="server" title="Servers" count={servers.length}>
          {data.loaded && <ServerList servers={servers} open={kind === 'server' ? id : null} />}
        </SidebarSection>
        <SidebarSection kind="group" title="Groups" count={groups.length}>
          {data.loaded && <GroupList groups={groups} open={kind === 'group' ? id : null} />}
        </SidebarSection>
      </aside>
      <main id="content" tabIndex={-1} className={css.main}>
        {!open && <Welcome data={data} />}
        {open && kind === 'server' && <ServerForm key={`server ${id}`} id={id} groups={groups} />}
        {open && kind === 'group' && <GroupForm key={`group ${id}`} id={id} groups={groups} servers={servers} />}
      </main>
    </div>
  )
}
