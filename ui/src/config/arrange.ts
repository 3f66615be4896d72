// Moving groups between and within rows. Pure. The sidebar shows one list: each row's heading, then its groups, and at
// the end the place for a new row.
import type { Arrangement } from '../data/config_api'
import type { Group } from '../data/types'
import { inReadingOrder } from '../dashboard/layout'

export type Item = { kind: 'row'; key: string; row: number } | { kind: 'group'; key: string; group: Group }

export const newRowKey = 'row new'

export function itemsOf(groups: readonly Group[]): Item[] {
  const items: Item[] = []
  let row = 0
  let number: number | null = null
  for (const group of inReadingOrder(groups)) {
    if (group.rowNumber !== number) {
      number = group.rowNumber
      row += 1
      items.push({ kind: 'row', key: `row ${row}`, row })
    }
    items.push({ kind: 'group', key: group.id, group })
  }
  if (items.length > 0) items.push({ kind: 'row', key: newRowKey, row: row + 1 })
  return items
}

/** What the list says, as positions: rows and orders from 1 without gaps; rows that became empty are gone. */
export function arrangementOf(items: readonly Item[]): Arrangement {
  const arrangement: Arrangement = []
  let row = 0
  let rowOrder = 0
  let fresh = true
  for (const item of items) {
    if (item.kind === 'row') {
      fresh = true
      continue
    }
    if (fresh) {
      row += 1
      rowOrder = 0
      fresh = false
    }
    rowOrder += 1
    const { id, serverIds } = item.group
    arrangement.push({ id, order: arrangement.length + 1, rowNumber: row, rowOrder, serverIds })
  }
  return arrangement
}

export function arranged(groups: readonly Group[], arrangement: Arrangement): Group[] {
  return groups.map((group) => ({ ...group, ...arrangement.find(({ id }) => id === group.id) }))
}

/** The item at `from` to the place `to`; null when nothing changes. The first row's heading stays first. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] | null {
  const [item] = list.slice(from, from + 1)
  if (from === to || to < 0 || to >= list.length || item === undefined) return null
  const rest = list.filter((_, index) => index !== from)
  return [...rest.slice(0, to), item, ...rest.slice(to)]
}

/** The arrangement after the group moved to another item's place; null when it would be as it is. */
export function movedGroup(groups: readonly Group[], from: number, to: number): Arrangement | null {
  const before = itemsOf(groups)
  const items = moved(before, from, Math.max(to, 1))
  if (!items) return null
  const after = arrangementOf(items)
  const same = JSON.stringify(after) === JSON.stringify(arrangementOf(before))
  return same ? null : after
}
