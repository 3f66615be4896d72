// The page `/`: what is watched, and how it is.
import { Button } from '@mantine/core'
import { useDeferredValue, useEffect, useMemo, useState } from 'react'
import { configApi } from '../data/config_api'
import { live } from '../data/stream'
import { useStore } from '../data/store'
import type { StoreCertificate } from '../data/types'
import { navigate } from '../routing/router'
import { Icon } from '../shared/icons'
import { useNow } from '../shared/now'
import { Details } from './details'
import { bucketOf, shown, type Filter } from './filter'
import { rowsOf, type Panel } from './layout'
import { ServerCard } from './server_card'
import { Summary } from './summary'
import { TimelinePanel } from './timeline_panel'
import css from './dashboard.module.css'

const minute = 60_000

/** The store's certificates: they change seldom, and no event tells of it. */
function useStoreCertificates(phase: string): readonly StoreCertificate[] {
  const [list, setList] = useState<readonly StoreCertificate[]>([])
  useEffect(() => {
    if (phase !== 'live') return
    const load = () => {
      configApi.certificates().then(
        ({ data }) => setList(data.certificates),
        // The banner tells of a lost connection; the last list stays.
        () => undefined,
      )
    }
    load()
    const timer = setInterval(load, 5 * minute)
    return () => clearInterval(timer)
  }, [phase])
  return list
}

function GroupPanel({ panel, now }: { panel: Panel; now: number }) {
  const { id, name, servers } = panel
  const problems = servers.filter((server) => bucketOf(server) === 'problems').length
  const title = `group-title-${id ?? 'none'}`
  return (
    <section className={css.panel} aria-labelledby={title} data-group={id ?? ''}>
      <div className={css.panelHead}>
        <h2 id={title}>{name}</h2>
        <p>
          {servers.length === 1 ? '1 server' : `${servers.length} servers`}
          {problems > 0 && <span className={css.problems}> · {problems === 1 ? '1 problem' : `${problems} problems`}</span>}
        </p>
      </div>
      {servers.length === 0 ? (
        <p className={css.emptyGroup}>No servers in this group yet.</p>
      ) : (
        <div className={css.cards}>
          {servers.map((server) => (
            <ServerCard key={server.id} server={server} now={now} />
          ))}
        </div>
      )}
    </section>
  )
}

function FirstSteps() {
  return (
    <div className={css.empty}>
      <img src="/logo.svg" width={56} height={56} alt="" />
      <h1>Nothing is watched yet</h1>
      <p>Add the first server: its address and port are enough. Lockstep checks it within seconds and shows here how long its certificate is valid.</p>
      <Button size="md" leftSection={<Icon name="plus" />} onClick={() => navigate({ page: 'config', kind: 'server', id: 'new' })}>
        Add a server
      </Button>
    </div>
  )
}

function Groups({ filter, now, onClear }: { filter: Filter; now: number; onClear: () => void }) {
  const { servers, groups } = useStore(live)
  const filtering = filter.text !== '' || filter.bucket !== 'all'
  const rows = useMemo(() => {
    const all = rowsOf(groups, shown(servers, filter))
    if (!filtering) return all
    return all.map((row) => ({ ...row, panels: row.panels.filter((panel) => panel.servers.length > 0) })).filter(({ panels }) => panels.length > 0)
  }, [groups, servers, filter, filtering])
  if (rows.length === 0)
    return (
      <div className={css.noMatch}>
        <p>No server matches.</p>
        <Button variant="default" onClick={onClear}>
          Show all servers
        </Button>
      </div>
    )
  return rows.map(({ panels }) => (
    <div key={panels.map(({ id }) => id).join(' ')} className={css.row} style={{ gridTemplateColumns: panels.map(({ width }) => `minmax(0, ${width}fr)`).join(' ') }}>
      {panels.map((panel) => (
        <GroupPanel key={panel.id} panel={panel} now={now} />
      ))}
    </div>
  ))
}

const everything: Filter = { text: '', bucket: 'all' }

export function Dashboard() {
  const { phase, loaded, servers, groups } = useStore(live)
  const certificates = useStoreCertificates(phase)
  const [filter, setFilter] = useState<Filter>(everything)
  const deferred = useDeferredValue(filter)
  const now = useNow(minute)
  if (!loaded)
    return (
      <main id="content" tabIndex={-1} className={css.waiting}>
        <h1 className="visually-hidden">Dashboard</h1>
        {phase === 'lost' ? <p>The servers appear here as soon as the service answers.</p> : <p>Connecting to the service …</p>}
      </main>
    )
  return (
    <main id="content" tabIndex={-1} className={css.main}>
      {servers.size > 0 && <h1 className="visually-hidden">Dashboard</h1>}
      {servers.size === 0 ? (
        <FirstSteps />
      ) : (
        <>
          <Summary servers={servers} filter={filter} onFilter={setFilter} />
          <TimelinePanel servers={servers} store={certificates} now={now} />
          <Groups filter={deferred} now={now} onClear={() => setFilter(everything)} />
        </>
      )}
      {servers.size === 0 && (certificates.length > 0 || groups.length > 0) && <TimelinePanel servers={servers} store={certificates} now={now} />}
      <Details />
    </main>
  )
}
