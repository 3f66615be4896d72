// What a form holds while somebody edits: pure. `base` is what the service has, `values` what the person sees.
import { errorsOf, type Kind } from '../rules/rules'

export type Values = Record<string, unknown>

export interface FormState<V> {
  base: V
  values: V
  /** Fields that were left once: from then on their errors are shown. */
  left: ReadonlySet<string>
  submitted: boolean
  /** What the service said of the last save, until the field is edited. */
  refused: Readonly<Record<string, string>>
}

export function freshForm<V>(base: V): FormState<V> {
  return { base, values: base, left: new Set(), submitted: false, refused: {} }
}

function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}

export function differences<V extends object>(one: V, other: V): (keyof V)[] {
  return (Object.keys(other) as (keyof V)[]).filter((field) => !same(one[field], other[field]))
}

export function dirtyFields<V extends object>({ base, values }: FormState<V>): (keyof V)[] {
  return differences(base, values)
}

/** The part of a dotted field before its dot. */
function fieldOf(dotted: string): string {
  return dotted.split('.')[0] ?? dotted
}

export function edit<V extends object>(state: FormState<V>, field: keyof V & string, value: unknown): FormState<V> {
  const refused = Object.fromEntries(Object.entries(state.refused).filter(([dotted]) => fieldOf(dotted) !== field))
  return { ...state, values: { ...state.values, [field]: value }, refused }
}

/** A field is left: spaces at the ends of a text go, and its errors are shown from now on. */
export function leave<V extends object>(state: FormState<V>, field: keyof V & string): FormState<V> {
  const value = state.values[field]
  const trimmed = typeof value === 'string' ? value.trim() : value
  const values = trimmed === value ? state.values : { ...state.values, [field]: trimmed }
  return { ...state, values, left: new Set(state.left).add(field) }
}

/**
 * The service has something newer. What the person changed stays, the rest follows the service.
 */
export function rebase<V extends object>(state: FormState<V>, base: V): FormState<V> {
  const mine = Object.fromEntries(dirtyFields(state).map((field) => [field, state.values[field]]))
  return { ...state, base, values: { ...base, ...mine } }
}

/** Errors to show: of fields that were left, of all after a try to save; and the service's own. */
export function visibleErrors<V extends object>(kind: Kind, state: FormState<V>): Record<string, string> {
  const all = errorsOf(kind, state.values as Values)
  const shown = Object.entries(all).filter(([dotted, message]) => state.submitted || wasLeft(kind, state, fieldOf(dotted), message))
  return { ...state.refused, ...Object.fromEntries(shown) }
}

function wasLeft<V>(kind: Kind, state: FormState<V>, field: string, message: string): boolean {
  if (!state.left.has(field)) return false
  // "One of the two" can be judged only when both were left.
  const pair = ['ip', 'dnsAddress']
  const ofPair = kind === 'server' && pair.includes(field) && message === errorsOf(kind, {})[field]
  return !ofPair || pair.every((name) => state.left.has(name))
}

/** The first message for a field, its elements' included. */
export function errorFor(errors: Readonly<Record<string, string>>, field: string): string | undefined {
  return errors[field] ?? Object.entries(errors).find(([dotted]) => fieldOf(dotted) === field)?.[1]
}
