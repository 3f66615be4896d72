// Times as a person reads them.

export const day = 86_400_000

/** Whole days until `notAfter`; negative when it is past. */
export function daysUntil(notAfter: string, now: number): number {
  return Math.floor((Date.parse(notAfter) - now) / day)
}

export function daysText(days: number): string {
  if (days < -1) return `Expired ${-days} days ago`
  if (days === -1) return 'Expired today'
  if (days === 0) return 'Less than a day left'
  return days === 1 ? '1 day left' : `${days.toLocaleString('en')} days left`
}

const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

export function dateText(time: string): string {
  const value = Date.parse(time)
  return Number.isNaN(value) ? 'unknown' : date.format(value)
}

const shortDate = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** Without the year: for times that are less than one away. */
export function shortDateText(time: string): string {
  const value = Date.parse(time)
  return Number.isNaN(value) ? 'unknown' : shortDate.format(value)
}

export function clockText(time: number): string {
  return clock.format(time)
}

/** How long ago, in the largest unit that fits. */
export function agoText(time: string | null, now: number): string {
  const value = time === null ? NaN : Date.parse(time)
  if (Number.isNaN(value)) return 'never'
  const seconds = Math.max(0, Math.round((now - value) / 1000))
  if (seconds < 5) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

export function latencyText(milliseconds: number): string {
  if (milliseconds < 1) return '<1 ms'
  return milliseconds < 10_000 ? `${Math.round(milliseconds)} ms` : `${Math.round(milliseconds / 1000)} s`
}
