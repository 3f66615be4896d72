// What expires next, on a scale and as a list.
import { useElementSize } from '@mantine/hooks'
import { useMemo, useState } from 'react'
import type { ServerStatus, StoreCertificate } from '../data/types'
import { Link } from '../routing/link'
import { Icon } from '../shared/icons'
import { dateText, daysText, shortDateText } from '../shared/time'
import { dots, expiries, marks, position, type Expiry } from './timeline'
import css from './timeline_panel.module.css'

const markText = ['Now', '1 week', '30 days', '90 days', '6 months', '1 year']
const first = 5

function Entry({ expiry }: { expiry: Expiry }) {
  const { name, kind, id, days, notAfter, tone } = expiry
  return (
    <li className={css.entry} data-tone={tone}>
      <span className={css.entryIcon}>
        <Icon name={tone === 'bad' ? 'expired' : tone === 'warn' ? 'expiring' : kind} size={16} />
      </span>
      <div>
        <p className={css.entryName}>
          {id === null ? name : <Link to={{ page: 'config', kind: 'server', id }}>{name}</Link>}
          {kind === 'store' && <span className={css.store}>store</span>}
        </p>
        <p className={css.entryDays}>
          <span>{daysText(days)}</span> · {Math.abs(days) < 300 ? shortDateText(notAfter) : dateText(notAfter)}
        </p>
      </div>
    </li>
  )
}

/** The room that a dot with a number takes, in pixels. */
const dotWidth = 28
const usualWidth = 1100

function Scale({ list }: { list: readonly Expiry[] }) {
  const { ref, width } = useElementSize()
  const apart = (100 * dotWidth) / (width || usualWidth)
  return (
    <div ref={ref} className={css.scale} aria-hidden="true">
      {marks.map((mark, index) => (
        <span key={mark} className={css.mark} style={{ left: `${position(mark)}%` }} data-index={index}>
          {markText[index]}
        </span>
      ))}
      <div className={css.line} />
      {dots(list, apart).map(({ at, count, tone, title }) => (
        <span key={`${at} ${tone}`} className={css.dot} data-tone={tone} data-many={count > 1 || undefined} style={{ left: `${at}%` }} title={title}>
          {count > 1 ? count : ''}
        </span>
      ))}
    </div>
  )
}

interface Props {
  servers: ReadonlyMap<string, ServerStatus>
  store: readonly StoreCertificate[]
  now: number
}

export function TimelinePanel({ servers, store, now }: Props) {
  const [all, setAll] = useState(false)
  const list = useMemo(() => expiries(servers.values(), store, now), [servers, store, now])
  if (list.length === 0) return null
  return (
    <section className={css.panel} aria-labelledby="timeline-title">
      <div className={css.head}>
        <h2 id="timeline-title">Upcoming expiries</h2>
        {list.length > first && (
          <button type="button" className={css.more} aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? `Show the next ${first} only` : `Show all ${list.length}`}
          </button>
        )}
      </div>
      <Scale list={list} />
      <ol className={css.list}>
        {(all ? list : list.slice(0, first)).map((expiry) => (
          <Entry key={expiry.key} expiry={expiry} />
        ))}
      </ol>
    </section>
  )
}
