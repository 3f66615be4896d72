// Inputs that know their rule: label, limits, error.
import { NumberInput, Select, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { ruleOf, type Kind } from '../rules/rules'
import { errorFor } from './form_state'
import type { Editor } from './use_editor'
import css from './form.module.css'

interface FieldProps<T, V extends object> {
  kind: Kind
  editor: Editor<T, V>
  field: keyof V & string
  description?: string
  placeholder?: string
  suffix?: string
  autoFocus?: boolean
}

function common<T, V extends object>({ kind, editor, field, description }: FieldProps<T, V>) {
  const rule = ruleOf(kind, field)
  return {
    name: field,
    label: rule.label,
    description,
    error: errorFor(editor.errors, field),
    required: rule.required,
    // The error stands below the input, in red and announced with it; there is room for it from the start.
    inputWrapperOrder: ['label', 'input', 'error', 'description'] as ('label' | 'input' | 'error' | 'description')[],
    onBlur: () => editor.blur(field),
  }
}

export function TextField<T, V extends object>(props: FieldProps<T, V>) {
  const { editor, field, placeholder, autoFocus } = props
  return (
    <TextInput
      {...common(props)}
      value={String(editor.form.values[field])}
      placeholder={placeholder}
      autoComplete="off"
      spellCheck={false}
      data-autofocus={autoFocus}
      onChange={({ currentTarget }) => editor.set(field, currentTarget.value)}
    />
  )
}

export function NumberField<T, V extends object>(props: FieldProps<T, V>) {
  const { kind, editor, field, suffix } = props
  const rule = ruleOf(kind, field)
  return (
    <NumberInput
      {...common(props)}
      value={editor.form.values[field] as number | string}
      placeholder={rule.default === undefined ? undefined : String(rule.default)}
      min={rule.minimum}
      max={rule.maximum}
      rightSection={suffix && <span className={css.suffix}>{suffix}</span>}
      rightSectionWidth={suffix ? 76 : undefined}
      onChange={(value) => editor.set(field, value)}
    />
  )
}

interface ChoiceProps<T, V extends object> extends FieldProps<T, V> {
  labels: Record<string, string>
}

export function ChoiceField<T, V extends object>(props: ChoiceProps<T, V>) {
  const { kind, editor, field, labels } = props
  const rule = ruleOf(kind, field)
  return (
    <Select
      {...common(props)}
      allowDeselect={false}
      data={(rule.enum ?? []).map((value) => ({ value, label: labels[value] ?? value }))}
      value={String(editor.form.values[field])}
      onChange={(value) => editor.set(field, value)}
    />
  )
}

export function Section({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <fieldset className={css.section}>
      <legend>{title}</legend>
      {text && <p className={css.sectionText}>{text}</p>}
      <div className={css.grid}>{children}</div>
    </fieldset>
  )
}
