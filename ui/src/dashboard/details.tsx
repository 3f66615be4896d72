// Who issued a server's certificate, and the rest of it, beside its card.
import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { live } from '../data/stream'
import { useStore } from '../data/store'
import type { ServerStatus } from '../data/types'
import { agoText, dateText } from '../shared/time'
import { details, detailsId, dismissDetails, hideDetails, keepDetails } from './details_store'
import css from './details.module.css'

function factsOf(server: ServerStatus, now: number): [string, string][] {
  const { certificate } = server
  const facts: [string, string][] = [['Address', `${[server.dnsAddress, server.ip].filter(Boolean).join(', ')}, port ${server.port}`]]
  if (certificate) {
    facts.push(['Issuer', certificate.issuer], ['Subject', certificate.subject])
    facts.push(['Valid', `${dateText(certificate.notBefore)} to ${dateText(certificate.notAfter)}`])
    if (certificate.sans.length > 0) facts.push(['Names', certificate.sans.slice(0, 4).join(', ') + (certificate.sans.length > 4 ? ` and ${certificate.sans.length - 4} more` : '')])
    if (!certificate.chainOk) facts.push(['Chain', certificate.chainError ?? 'not trusted'])
    if (!certificate.nameOk) facts.push(['Name', 'does not match the certificate'])
    facts.push(['TLS', certificate.tlsVersion], ['Serial', certificate.serial])
  }
  if (server.error) facts.push(['Last error', server.error])
  facts.push(['Checked', agoText(server.lastChecked, now)])
  if (server.tags.length > 0) facts.push(['Tags', server.tags.join(', ')])
  return facts
}

const gap = 8
const edge = 12

/** Below the card; above it where there is no room. */
function placeBeside(card: DOMRect, box: DOMRect): { left: number; top: number } {
  const left = Math.max(edge, Math.min(card.left, document.documentElement.clientWidth - box.width - edge))
  const below = card.bottom + gap
  const top = below + box.height < innerHeight ? below : Math.max(edge, card.top - gap - box.height)
  return { left, top }
}

export function Details() {
  const shown = useStore(details)
  const { servers } = useStore(live)
  const box = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState({ left: 0, top: 0 })
  const server = shown ? servers.get(shown.id) : undefined

  useLayoutEffect(() => {
    if (shown && box.current) setAt(placeBeside(shown.card.getBoundingClientRect(), box.current.getBoundingClientRect()))
  }, [shown, server])

  useEffect(() => {
    if (!shown) return
    const onKey = ({ key }: KeyboardEvent) => key === 'Escape' && dismissDetails()
    addEventListener('keydown', onKey)
    addEventListener('scroll', dismissDetails, { passive: true })
    return () => {
      removeEventListener('keydown', onKey)
      removeEventListener('scroll', dismissDetails)
    }
  }, [shown])

  useEffect(() => dismissDetails, [])

  return (
    <div
      ref={box}
      id={detailsId}
      role="tooltip"
      className={css.details}
      hidden={!server}
      style={at}
      onMouseEnter={keepDetails}
      onMouseLeave={() => shown && hideDetails(shown.id)}
    >
      {server && (
        <>
          <p className={css.title}>{server.name}</p>
          <dl>
            {factsOf(server, Date.now()).map(([term, text]) => (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{text}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </div>
  )
}
