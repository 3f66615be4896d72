// Where the groups stand. Pure.
import type { Group, ServerStatus } from '../data/types'

export interface Panel {
  /** The group's id; `null` for the servers that are in none. */
  id: string | null
  name: string
  servers: ServerStatus[]
  /** Share of the row's width, in percent. */
  width: number
}

export interface Row {
  number: number
  panels: Panel[]
}

export const leastWidth = 15
const mostInLine = Math.floor(100 / leastWidth)

/** Percentages in proportion to the counts, none below the least, 100 in sum. At most six counts. */
export function widths(counts: readonly number[]): number[] {
  const weights = counts.map((count) => Math.max(count, 1))
  const small = new Set<number>()
  for (;;) {
    const free = 100 - small.size * leastWidth
    const sum = weights.reduce((total, weight, index) => (small.has(index) ? total : total + weight), 0)
    const tooSmall = weights.findIndex((weight, index) => !small.has(index) && (weight / sum) * free < leastWidth)
    if (tooSmall < 0) return weights.map((weight, index) => (small.has(index) ? leastWidth : (weight / sum) * free))
    small.add(tooSmall)
  }
}

function byPosition(a: Group, b: Group): number {
  return a.rowNumber - b.rowNumber || a.rowOrder - b.rowOrder || a.order - b.order || a.id.localeCompare(b.id)
}

/** The groups in the order in which one reads them. */
export function inReadingOrder(groups: readonly Group[]): Group[] {
  return [...groups].sort(byPosition)
}

/** More groups than fit at the least width go on in a further line. */
function linesOf(panels: Panel[]): Panel[][] {
  const lines = Math.ceil(panels.length / mostInLine)
  const size = Math.ceil(panels.length / lines)
  return Array.from({ length: lines }, (_, line) => panels.slice(line * size, (line + 1) * size))
}

function withWidths(panels: Panel[]): Panel[] {
  const shares = widths(panels.map(({ servers }) => servers.length))
  return panels.map((panel, index) => ({ ...panel, width: shares[index] ?? 100 }))
}

export function rowsOf(groups: readonly Group[], servers: ReadonlyMap<string, ServerStatus>): Row[] {
  const byRow = new Map<number, Panel[]>()
  const grouped = new Set<string>()
  for (const group of inReadingOrder(groups)) {
    const members = group.serverIds.flatMap((id) => servers.get(id) ?? [])
    for (const { id } of members) grouped.add(id)
    const row = byRow.get(group.rowNumber) ?? []
    row.push({ id: group.id, name: group.name, servers: members, width: 0 })
    byRow.set(group.rowNumber, row)
  }
  const rows = [...byRow].flatMap(([number, panels]) => linesOf(panels).map((line) => ({ number, panels: withWidths(line) })))
  const rest = [...servers.values()].filter(({ id }) => !grouped.has(id)).sort((a, b) => a.name.localeCompare(b.name))
  if (rest.length > 0) rows.push({ number: Infinity, panels: [{ id: null, name: 'Ungrouped', servers: rest, width: 100 }] })
  return rows
}
