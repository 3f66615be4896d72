// How the server is right now, beside its form: one sees at once what a saved change does.
import type { ServerStatus } from '../data/types'
import { useNow } from '../shared/now'
import { StateBadge } from '../shared/state_badge'
import { agoText, dateText, daysText, daysUntil, latencyText } from '../shared/time'
import css from './form.module.css'

function factsOf(server: ServerStatus, now: number): [string, string][] {
  const { certificate, latencyMs } = server
  const facts: [string, string][] = [['Last check', agoText(server.lastChecked, now)]]
  if (latencyMs !== null && server.isOnline) facts.push(['Latency', latencyText(latencyMs)])
  if (certificate) facts.push(['Certificate', daysText(daysUntil(certificate.notAfter, now))], ['Valid until', dateText(certificate.notAfter)], ['Issuer', certificate.issuer])
  if (certificate?.chainError) facts.push(['Chain', certificate.chainError])
  if (server.error) facts.push(['Last error', server.error])
  return facts
}

export function ServerNow({ server }: { server: ServerStatus | undefined }) {
  const now = useNow(5000)
  return (
    <div className={css.aside}>
      <h2>Right now</h2>
      {server ? (
        <>
          <StateBadge state={server.state} />
          <dl className={css.facts}>
            {factsOf(server, now).map(([term, text]) => (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </>
      ) : (
        <p className={css.quiet}>No status yet.</p>
      )}
    </div>
  )
}
