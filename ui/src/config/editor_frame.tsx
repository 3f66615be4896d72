// What both forms share: the sticky header, saving by keyboard, and the questions before anything is lost.
import { Button } from '@mantine/core'
import { useEffect, useRef, useState, type ReactNode, type SubmitEvent } from 'react'
import { navigate, setGuard } from '../routing/router'
import { Icon } from '../shared/icons'
import { ConflictQuestion, UnsavedQuestion } from './confirm'
import type { Editor } from './use_editor'
import css from './form.module.css'

interface Props<T, V extends object> {
  editor: Editor<T, V>
  title: string
  kindName: 'server' | 'group'
  /** The question before deleting, while it is open. */
  question: (close: () => void) => ReactNode
  children: ReactNode
}

const listPlace = { page: 'config', kind: null, id: null } as const

/** Asks before unsaved changes are lost: on the way to another place in the page, and out of it. */
function useUnsavedGuard(dirty: boolean) {
  const [proceed, setProceed] = useState<(() => void) | null>(null)
  useEffect(() => {
    if (!dirty) return
    setGuard((go) => setProceed(() => go))
    const onUnload = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', onUnload)
    return () => {
      setGuard(null)
      removeEventListener('beforeunload', onUnload)
    }
  }, [dirty])
  return [proceed, () => setProceed(null)] as const
}

export function EditorFrame<T extends { name: string }, V extends { name: string }>({ editor, title, kindName, question, children }: Props<T, V>) {
  const { dirty, saving, isNew, conflict } = editor
  const [proceed, stay] = useUnsavedGuard(dirty)
  const [deleting, setDeleting] = useState(false)
  const form = useRef<HTMLFormElement>(null)

  const save = async () => {
    const saved = await editor.save()
    if (!saved) requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
    return saved
  }
  const latestSave = useRef(save)
  useEffect(() => {
    latestSave.current = save
  })
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 's') return
      event.preventDefault()
      if (!document.querySelector('[role="dialog"]')) void latestSave.current()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  useEffect(() => {
    if (isNew) form.current?.querySelector<HTMLElement>('[data-autofocus]')?.focus()
  }, [isNew])

  const leaveAnd = (go: () => void) => {
    setGuard(null)
    stay()
    go()
  }
  const cancel = () => {
    if (isNew) leaveAnd(() => navigate(listPlace))
    else editor.reset()
  }
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    void save()
  }

  return (
    <form ref={form} className={css.form} onSubmit={submit} noValidate aria-label={title} data-dirty={dirty}>
      <header className={css.header}>
        <button type="button" className={css.back} onClick={() => navigate(listPlace)}>
          <Icon name="back" size={18} />
          <span className="visually-hidden">Back to the list</span>
        </button>
        <h1 className={css.title}>{title}</h1>
        <span className={css.unsaved} role="status">
          {dirty && !isNew ? 'Unsaved changes' : ''}
        </span>
        <div className={css.actions}>
          {!isNew && (
            <Button variant="subtle" color="red" leftSection={<Icon name="trash" />} onClick={() => setDeleting(true)}>
              Delete
            </Button>
          )}
          <Button variant="default" disabled={!isNew && !dirty} onClick={cancel}>
            Cancel
          </Button>
          <Button type="submit" loading={saving} disabled={!isNew && !dirty}>
            Save
          </Button>
        </div>
      </header>
      <div className={css.body}>{children}</div>
      {deleting && question(() => setDeleting(false))}
      {proceed && (
        <UnsavedQuestion
          name={editor.form.values.name || `the new ${kindName}`}
          saving={saving}
          onKeep={stay}
          onDiscard={() => leaveAnd(proceed)}
          onSave={() =>
            void save().then((saved) => {
              if (saved) leaveAnd(proceed)
              else stay()
            })
          }
        />
      )}
      {conflict && !saving && <ConflictQuestion name={editor.known?.thing.name ?? title} conflict={conflict} onKeep={editor.keepEditing} onTheirs={editor.takeTheirs} />}
    </form>
  )
}
