// Two pages, and on the second one the thing that is edited, in the fragment: /config#server/server-001. A guard may
// hold a change of place until the person has decided about unsaved changes.
import { Store } from '../data/store'

export interface Place {
  page: 'dashboard' | 'config'
  /** What is edited; `new` as the id for one that is not saved yet. */
  kind: 'server' | 'group' | null
  id: string | null
}

export function placeOf(path: string, hash: string): Place {
  const page = path.replace(/\/+$/, '') === '/config' ? 'config' : 'dashboard'
  const [, kind, id] = /^#(server|group)\/(.+)$/.exec(hash) ?? []
  if (page !== 'config' || !id) return { page, kind: null, id: null }
  let decoded = id
  try {
    decoded = decodeURIComponent(id)
  } catch {
    // Not one of our addresses; taken as it is, it names nothing that there is.
  }
  return { page, kind: kind as 'server' | 'group', id: decoded }
}

export function hrefOf({ page, kind, id }: Place): string {
  if (page === 'dashboard') return '/'
  return kind && id ? `/config#${kind}/${encodeURIComponent(id)}` : '/config'
}

export const place = new Store(placeOf(location.pathname, location.hash))

type Guard = (proceed: () => void) => void
let guard: Guard | null = null
let shownHref = hrefOf(place.get())

/** While set, every change of place goes through it. */
export function setGuard(next: Guard | null) {
  guard = next
}

function show(href: string) {
  const url = new URL(href, location.href)
  shownHref = href
  place.set(() => placeOf(url.pathname, url.hash))
}

/** Goes to a place without asking: for what was just saved or deleted. */
export function replacePlace(next: Place) {
  history.replaceState(null, '', hrefOf(next))
  show(hrefOf(next))
}

export function navigate(next: Place) {
  const href = hrefOf(next)
  if (href === shownHref) return
  const go = () => {
    history.pushState(null, '', href)
    show(href)
  }
  if (guard) guard(go)
  else go()
}

addEventListener('popstate', () => {
  const href = hrefOf(placeOf(location.pathname, location.hash))
  if (href === shownHref) return
  if (!guard) {
    show(href)
    return
  }
  // The browser has moved already: back to where the unsaved changes are, and on when the person says so.
  history.pushState(null, '', shownHref)
  guard(() => {
    history.pushState(null, '', href)
    show(href)
  })
})
