import { expect, test } from 'vitest'
import type { Group, ServerStatus } from '../data/types'
import { rowsOf, widths } from './layout'

test('widths follow the counts', () => {
  expect(widths([1])).toEqual([100])
  expect(widths([1, 1])).toEqual([50, 50])
  expect(widths([3, 1])).toEqual([75, 25])
})

test('no width is below 15 percent, and the sum is 100', () => {
  for (const counts of [[100, 1], [0, 0, 50], [1, 1, 1, 1, 1, 40], [9, 8, 1], [0], [20, 1, 2, 3]]) {
    const found = widths(counts)
    expect(Math.min(...found)).toBeGreaterThanOrEqual(15 - 1e-9)
    expect(found.reduce((a, b) => a + b)).toBeCloseTo(100)
  }
})

const server = (id: string) => ({ id, name: id }) as ServerStatus
const servers = new Map(['a', 'b', 'c', 'd'].map((id) => [id, server(id)]))
const group = (id: string, rowNumber: number, rowOrder: number, ...serverIds: string[]): Group => ({ id, name: id, order: 1, rowNumber, rowOrder, serverIds })
const drawn = (groups: Group[]) => rowsOf(groups, servers).map(({ panels }) => panels.map((panel) => `${panel.name}:${panel.servers.map(({ id }) => id).join('')}`))

test('rows by number, groups by order, the rest below', () => {
  expect(drawn([group('g3', 2, 1, 'a'), group('g2', 1, 2, 'b'), group('g1', 1, 1, 'a', 'gone')])).toEqual([['g1:a', 'g2:b'], ['g3:a'], ['Ungrouped:cd']])
})

test('no groups: all are ungrouped; nothing at all: nothing', () => {
  expect(drawn([])).toEqual([['Ungrouped:abcd']])
  expect(rowsOf([], new Map())).toEqual([])
})

test('a row of more than six groups goes on in a further line', () => {
  const lines = drawn(Array.from({ length: 8 }, (_, index) => group(`g${index}`, 1, index + 1, 'a', 'b', 'c', 'd')))
  expect(lines.map((line) => line.length)).toEqual([4, 4])
})
