import { expect, test } from 'vitest'
import type { ServerStatus, StoreCertificate } from '../data/types'
import { day } from '../shared/time'
import { dayBar } from './day_bar'
import { counts, shown } from './filter'
import { dots, expiries, marks, position } from './timeline'

const now = Date.parse('2026-01-01T00:00:00Z')
const at = (days: number) => new Date(now + days * day).toISOString()
const server = (id: string, days: number | null, state = 'online') =>
  ({ id, name: id, ip: '192.0.2.7', dnsAddress: `${id}.example`, port: 443, tags: ['eu'], state, expiryWarningDays: 30,
     certificate: days === null ? null : { notBefore: at(days - 90), notAfter: at(days), issuer: 'Test CA' } }) as unknown as ServerStatus // prettier-ignore

test('the soonest first, past ones before all; what has no certificate is not there', () => {
  const list = expiries([server('a', 80), server('b', -3), server('c', null)], [{ name: 'd', notAfter: at(10.5) } as StoreCertificate], now)
  expect(list.map(({ name, days, tone }) => `${name} ${days} ${tone}`)).toEqual(['b -3 bad', 'd 10 warn', 'a 80 good'])
})

test('the scale rises and stays inside', () => {
  expect(marks.map(position)).toEqual([...marks.map(position)].sort((a, b) => a - b))
  expect([position(-5), position(0), position(365), position(9000)]).toEqual([0, 0, 100, 100])
})

test('dots that would overlap are one', () => {
  const list = expiries([server('a', 80), server('b', 80.2), server('c', 3)], [], now)
  expect(dots(list, 2).map(({ count, title }) => `${count} ${title}`)).toEqual(['1 c', '2 2 certificates'])
})

test('the bar of days', () => {
  const bar = (days: number) => dayBar({ notBefore: at(days - 90), notAfter: at(days) }, 30, now)
  expect(bar(45)).toEqual({ days: 45, percent: 50, warningPercent: 33.3, tone: 'good' })
  expect(bar(29)).toMatchObject({ tone: 'warn' })
  expect(bar(0.5)).toMatchObject({ days: 0, percent: 2, tone: 'warn' })
  expect(bar(-0.5)).toMatchObject({ days: -1, percent: 0, tone: 'bad' })
  expect(dayBar({ notBefore: at(5), notAfter: at(5) }, 30, now).percent).toBe(100)
})

test('the filter looks at names, addresses, tags, issuers and states', () => {
  const servers = new Map([server('alpha', 80), server('beta', -3, 'expired')].map((one) => [one.id, one]))
  const ids = (text: string, bucket: Parameters<typeof shown>[1]['bucket'] = 'all') => [...shown(servers, { text, bucket }).keys()]
  expect(ids('')).toEqual(['alpha', 'beta'])
  expect(ids('BETA eu')).toEqual(['beta'])
  expect(ids('test ca')).toEqual(['alpha', 'beta'])
  expect(ids('', 'problems')).toEqual(['beta'])
  expect(ids('alpha', 'problems')).toEqual([])
  expect(counts(servers.values())).toEqual({ all: 2, online: 1, expiring: 0, problems: 1, unknown: 0 })
})
