import { expect, test } from 'vitest'
import type { Group } from '../data/types'
import { arranged, arrangementOf, itemsOf, moved, movedGroup } from './arrange'

const group = (id: string, rowNumber: number, rowOrder: number): Group => ({ id, name: id, order: 9, rowNumber, rowOrder, serverIds: [`s-${id}`] })
const groups = [group('c', 7, 1), group('b', 3, 9), group('a', 3, 2)]
const keys = (list: readonly Group[]) => itemsOf(list).map(({ key }) => key)
const text = (arrangement: ReturnType<typeof movedGroup>) => arrangement?.map(({ id, order, rowNumber, rowOrder }) => `${id}${order}:${rowNumber}.${rowOrder}`).join(' ')

test('the list of the sidebar', () => {
  expect(keys(groups)).toEqual(['row 1', 'a', 'b', 'row 2', 'c', 'row new'])
  expect(keys([])).toEqual([])
})

test('positions have no gaps', () => {
  expect(text(arrangementOf(itemsOf(groups)))).toBe('a1:1.1 b2:1.2 c3:2.1')
  expect(arrangementOf(itemsOf(groups))[0]?.serverIds).toEqual(['s-a'])
})

test('within a row, into the next, into a new one', () => {
  expect(text(movedGroup(groups, 1, 2))).toBe('b1:1.1 a2:1.2 c3:2.1')
  expect(text(movedGroup(groups, 2, 3))).toBe('a1:1.1 b2:2.1 c3:2.2')
  expect(text(movedGroup(groups, 1, 5))).toBe('b1:1.1 c2:2.1 a3:3.1')
})

test('a row that became empty is gone, and its only group cannot leave it for a new one', () => {
  expect(text(movedGroup(groups, 4, 1))).toBe('c1:1.1 a2:1.2 b3:1.3')
  expect(movedGroup(groups, 4, 5)).toBeNull()
})

test('nothing goes above the first heading or out of the list', () => {
  expect(movedGroup(groups, 1, 0)).toBeNull()
  expect(movedGroup(groups, 4, 6)).toBeNull()
  expect(moved(['a'], 0, -1)).toBeNull()
})

test('the groups after the move', () => {
  const arrangement = movedGroup(groups, 1, 5)
  expect(keys(arranged(groups, arrangement ?? []))).toEqual(['row 1', 'b', 'row 2', 'c', 'row 3', 'a', 'row new'])
})
