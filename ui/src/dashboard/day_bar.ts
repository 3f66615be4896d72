// The bar of days left. Pure.
import type { Certificate } from '../data/types'
import { day, daysUntil } from '../shared/time'

export interface DayBar {
  days: number
  /** What is left of the certificate's life, 0 to 100. */
  percent: number
  /** Where the warning begins, 0 to 100. */
  warningPercent: number
  tone: 'good' | 'warn' | 'bad'
}

export function dayBar(certificate: Pick<Certificate, 'notBefore' | 'notAfter'>, warningDays: number, now: number): DayBar {
  const days = daysUntil(certificate.notAfter, now)
  const life = Math.max((Date.parse(certificate.notAfter) - Date.parse(certificate.notBefore)) / day, 1)
  const part = (value: number) => Math.round(Math.min(Math.max(value / life, 0), 1) * 1000) / 10
  const tone = days < 0 ? 'bad' : days < warningDays ? 'warn' : 'good'
  return { days, percent: days < 0 ? 0 : Math.max(part(days), 2), warningPercent: part(warningDays), tone }
}
