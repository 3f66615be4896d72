// The service's time, for what is counted from it.
import { useEffect, useState } from 'react'
import { live } from '../data/stream'
import { useStore } from '../data/store'

/** In milliseconds, renewed every `every` milliseconds; by the service's clock, not this browser's. */
export function useNow(every: number): number {
  const { clockOffset } = useStore(live)
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every)
    return () => clearInterval(timer)
  }, [every])
  // A few seconds of difference are the network's, and would only make the page draw itself anew.
  return now + (Math.abs(clockOffset) > 5000 ? clockOffset : 0)
}
