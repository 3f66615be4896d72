// Arrow keys in a list of links: one of them is in the tab order, the arrows move among them.
import type { KeyboardEvent } from 'react'

const steps: Record<string, (index: number, last: number) => number> = {
  ArrowDown: (index, last) => Math.min(index + 1, last),
  ArrowUp: (index) => Math.max(index - 1, 0),
  Home: () => 0,
  End: (_, last) => last,
}

/** For onKeyDown of the list; its links carry `data-roving`. */
export function moveFocus(event: KeyboardEvent<HTMLElement>) {
  const step = steps[event.key]
  if (!step || event.altKey || event.ctrlKey || event.metaKey || !(event.target instanceof HTMLElement) || event.target.dataset.roving === undefined) return
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-roving]')]
  const at = links.indexOf(event.target)
  if (at < 0) return
  event.preventDefault()
  links[step(at, links.length - 1)]?.focus()
}

/** Which one is in the tab order: the one that is open, else the one that had the focus last, else the first. */
export function tabStop(ids: readonly string[], open: string | null, focused: string | null): string | null {
  if (focused !== null && ids.includes(focused)) return focused
  if (open !== null && ids.includes(open)) return open
  return ids[0] ?? null
}
