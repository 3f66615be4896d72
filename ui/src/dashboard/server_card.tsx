// One server. The link in it covers the whole card.
import { memo } from 'react'
import type { ServerStatus } from '../data/types'
import { Link } from '../routing/link'
import { StateBadge } from '../shared/state_badge'
import { addressOf, stateOf, states } from '../shared/states'
import { daysText, latencyText } from '../shared/time'
import { dayBar } from './day_bar'
import { detailsId, hideDetails, showDetails } from './details_store'
import css from './server_card.module.css'

function Days({ server, now }: { server: ServerStatus; now: number }) {
  const { certificate, error, protocol } = server
  if (!certificate) {
    const text = error ?? (protocol === 'tcp' ? 'Checked without TLS' : 'No certificate seen yet')
    return <p className={css.noCertificate}>{text}</p>
  }
  const { days, percent, warningPercent, tone } = dayBar(certificate, server.expiryWarningDays, now)
  return (
    <div className={css.days} data-tone={tone}>
      <p>{daysText(days)}</p>
      <svg className={css.bar} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect className={css.track} width="100" height="6" />
        <rect className={css.left} width={percent} height="6" />
        <rect className={css.mark} x={Math.min(warningPercent, 99.2)} width="0.8" height="6" />
      </svg>
    </div>
  )
}

interface Props {
  server: ServerStatus
  now: number
}

export const ServerCard = memo(function ServerCard({ server, now }: Props) {
  const { id, name, latencyMs } = server
  const { tone } = states[stateOf(server.state)]
  return (
    <article
      className={css.card}
      data-tone={tone}
      data-server={id}
      aria-label={name}
      onMouseEnter={(event) => showDetails(id, event.currentTarget)}
      onMouseLeave={() => hideDetails(id)}
      onFocus={(event) => showDetails(id, event.currentTarget)}
      onBlur={() => hideDetails(id)}
    >
      <div className={css.top}>
        <StateBadge state={server.state} />
        {latencyMs !== null && server.isOnline && <span className={css.latency}>{latencyText(latencyMs)}</span>}
      </div>
      <h3 className={css.name}>
        <Link to={{ page: 'config', kind: 'server', id }} aria-describedby={detailsId}>
          {name}
        </Link>
      </h3>
      <p className={css.address}>{addressOf(server)}</p>
      <Days server={server} now={now} />
    </article>
  )
})
