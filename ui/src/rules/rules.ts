// The interpreter of rules.json, the page's twin of the service's src/service/rules.cc. Both are held against
// rules_cases.json.
import document from '../../../src/service/rules.json'
import { hasOnly, isHostName, isIpAddress } from './formats'

export type Kind = 'server' | 'group'
export type Violation = 'required' | 'invalid' | 'duplicate' | 'atLeastOneOf'

export interface FieldRule {
  label?: string
  type: string
  required?: boolean
  requiredMessage?: string
  minLength?: number
  maxLength?: number
  trimmed?: boolean
  characters?: string
  format?: string
  enum?: string[]
  minimum?: number
  maximum?: number
  default?: string | number
  maxItems?: number
  uniqueItems?: boolean
  duplicateMessage?: string
  items?: FieldRule
  message: string
}

interface KindRule {
  fields: Record<string, FieldRule>
  atLeastOneOf: { fields: string[]; message: string }[]
}

const kinds: Record<Kind, KindRule> = document

export function ruleOf(kind: Kind, field: string): FieldRule {
  const rule = kinds[kind].fields[field]
  if (!rule) throw new Error(`no rule for ${kind}.${field}`)
  return rule
}

/** An optional field that is null or empty text counts as absent. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

function textIsValid(rule: FieldRule, value: unknown): boolean {
  if (typeof value !== 'string') return false
  const length = Array.from(value).length
  if (length < (rule.minLength ?? 0) || length > (rule.maxLength ?? Infinity)) return false
  if (rule.trimmed && value.trim() !== value) return false
  if (rule.characters && !hasOnly(rule.characters, value)) return false
  if (rule.enum && !rule.enum.includes(value)) return false
  if (rule.format === 'ip') return isIpAddress(value)
  if (rule.format === 'hostname') return isHostName(value)
  if (rule.format === 'path') return value.startsWith('/')
  return true
}

function integerIsValid(rule: FieldRule, value: unknown): boolean {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false
  return value >= (rule.minimum ?? -Infinity) && value <= (rule.maximum ?? Infinity)
}

function inList(field: string, rule: FieldRule, value: unknown): [string, Violation][] {
  if (!Array.isArray(value) || value.length > (rule.maxItems ?? Infinity)) return [[field, 'invalid']]
  const found: [string, Violation][] = []
  const seen = new Set<unknown>()
  for (const [index, item] of (value as unknown[]).entries()) {
    if (rule.items && !textIsValid(rule.items, item)) found.push([`${field}.${index}`, 'invalid'])
    else if (rule.uniqueItems && seen.has(item)) found.push([`${field}.${index}`, 'duplicate'])
    seen.add(item)
  }
  return found
}

function inField(field: string, rule: FieldRule, value: unknown): [string, Violation][] {
  if (isAbsent(value)) return rule.required ? [[field, 'required']] : []
  if (rule.type === 'array') return inList(field, rule, value)
  const valid = rule.type === 'integer' ? integerIsValid(rule, value) : textIsValid(rule, value)
  return valid ? [] : [[field, 'invalid']]
}

/** What is wrong with a value: dotted field to violation; empty when nothing is. */
export function violations(kind: Kind, value: Record<string, unknown>): Record<string, Violation> {
  const { fields, atLeastOneOf } = kinds[kind]
  const found = Object.entries(fields).flatMap(([field, rule]) => inField(field, rule, value[field]))
  for (const { fields: names } of atLeastOneOf)
    if (names.every((name) => isAbsent(value[name]))) found.push(...names.map((name): [string, Violation] => [name, 'atLeastOneOf']))
  return Object.fromEntries(found)
}

/** The sentence that the service says too. */
export function messageOf(kind: Kind, dotted: string, violation: Violation): string {
  const [field = '', index] = dotted.split('.')
  const rule = ruleOf(kind, field)
  if (violation === 'required') return rule.requiredMessage ?? rule.message
  if (violation === 'duplicate') return rule.duplicateMessage ?? rule.message
  if (violation === 'atLeastOneOf') return kinds[kind].atLeastOneOf.find(({ fields }) => fields.includes(field))?.message ?? rule.message
  return index === undefined ? rule.message : (rule.items?.message ?? rule.message)
}

/** The same as the service's `data` of a validation error. */
export function errorsOf(kind: Kind, value: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(violations(kind, value)).map(([field, how]) => [field, messageOf(kind, field, how)]))
}
