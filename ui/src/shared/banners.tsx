// What is wrong with the whole page: the connection, or a configuration file that the service could not take over.
import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { connect, live } from '../data/stream'
import { useStore } from '../data/store'
import css from './banners.module.css'
import { Icon } from './icons'
import { clockText } from './time'

function Countdown({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.ceil((until - now) / 1000)
  // The changing number is not read out again and again.
  return <span aria-hidden="true">{seconds > 0 ? ` Next try in ${seconds} s.` : ' Trying now …'}</span>
}

function Lost({ lastUpdate, nextTry }: { lastUpdate: number | null; nextTry: number | null }) {
  return (
    <div className={css.banner} data-tone="bad">
      <Icon name="warning" size={18} />
      <p>
        <strong>Connection lost.</strong>{' '}
        {lastUpdate === null ? 'The service does not answer.' : `What you see is from ${clockText(lastUpdate)}.`}
        {nextTry !== null && <Countdown until={nextTry} />}
      </p>
      <Button size="compact-sm" variant="default" onClick={connect}>
        Try now
      </Button>
    </div>
  )
}

export function Banners() {
  const { phase, lastUpdate, nextTry, configError } = useStore(live)
  return (
    <div role="status">
      {phase === 'lost' && <Lost lastUpdate={lastUpdate} nextTry={nextTry} />}
      {configError !== null && (
        <div className={css.banner} data-tone="warn">
          <Icon name="warning" size={18} />
          <p>
            <strong>A configuration file has an error; the last good configuration stays in force.</strong> {configError}
          </p>
        </div>
      )}
    </div>
  )
}
