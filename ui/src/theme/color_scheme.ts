// Light or dark: what the person chose, or what the system says. public/scheme.js does the same before the first paint.
import { Store } from '../data/store'

export type Choice = 'system' | 'light' | 'dark'
export type Scheme = 'light' | 'dark'

const key = 'lockstep-scheme'
const dark = matchMedia('(prefers-color-scheme: dark)')

function stored(): Choice {
  try {
    const value = localStorage.getItem(key)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}

function schemeOf(choice: Choice): Scheme {
  return choice === 'system' ? (dark.matches ? 'dark' : 'light') : choice
}

export const scheme = new Store({ choice: stored(), shown: schemeOf(stored()) })

dark.addEventListener('change', () => scheme.set(({ choice }) => ({ choice, shown: schemeOf(choice) })))

export function choose(choice: Choice) {
  try {
    if (choice === 'system') localStorage.removeItem(key)
    else localStorage.setItem(key, choice)
  } catch {
    // Storage is off in this browser: the choice lives as long as the page.
  }
  scheme.set(() => ({ choice, shown: schemeOf(choice) }))
}
