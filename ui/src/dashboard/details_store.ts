// Which card's details are shown: one at a time, for the card that the pointer is on or that has the focus.
import { Store } from '../data/store'

export const detailsId = 'server-details'

export interface Shown {
  id: string
  card: HTMLElement
}

export const details = new Store<Shown | null>(null)

let leaving: ReturnType<typeof setTimeout> | undefined

export function showDetails(id: string, card: HTMLElement) {
  clearTimeout(leaving)
  details.set((value) => (value?.id === id && value.card === card ? value : { id, card }))
}

// Long enough to move the pointer into the details: they stay while it is on them.
const grace = 150

export function hideDetails(id: string) {
  clearTimeout(leaving)
  leaving = setTimeout(() => details.set((value) => (value?.id === id ? null : value)), grace)
}

export function keepDetails() {
  clearTimeout(leaving)
}

export function dismissDetails() {
  clearTimeout(leaving)
  details.set(() => null)
}
