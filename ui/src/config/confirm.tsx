// The questions of the configuration page.
import { Button, Modal, Radio } from '@mantine/core'
import { useEffect, useState, type ReactNode } from 'react'
import type { Reassign } from '../data/config_api'
import css from '../shared/dialogs.module.css'
import { useScrollLock } from '../shared/scroll_lock'
import type { Conflict } from './use_editor'

interface QuestionProps {
  title: string
  onClose: () => void
  children: ReactNode
  actions: ReactNode
}

/** Gives the focus back to what had it before, when that is still there. */
function useFocusBack() {
  const [before] = useState(() => document.activeElement)
  useEffect(
    () => () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    },
    [before],
  )
}

function Question({ title, onClose, children, actions }: QuestionProps) {
  useScrollLock(true)
  useFocusBack()
  return (
    <Modal opened onClose={onClose} title={title} zIndex={200}>
      <div className={css.body}>
        {children}
        <div className={css.actions}>{actions}</div>
      </div>
    </Modal>
  )
}

interface UnsavedProps {
  name: string
  saving: boolean
  onKeep: () => void
  onDiscard: () => void
  onSave: () => void
}

export function UnsavedQuestion({ name, saving, onKeep, onDiscard, onSave }: UnsavedProps) {
  return (
    <Question
      title="Unsaved changes"
      onClose={onKeep}
      actions={
        <>
          <Button variant="default" onClick={onKeep} data-autofocus>
            Keep editing
          </Button>
          <Button variant="light" color="red" onClick={onDiscard}>
            Discard
          </Button>
          <Button loading={saving} onClick={onSave}>
            Save
          </Button>
        </>
      }
    >
      <p>
        The changes to <strong>{name}</strong> are not saved yet.
      </p>
    </Question>
  )
}

interface ConflictProps {
  name: string
  conflict: Conflict<unknown>
  onKeep: () => void
  onTheirs: () => void
}

export function ConflictQuestion({ name, conflict, onKeep, onTheirs }: ConflictProps) {
  const deleted = conflict.how === 'deleted'
  return (
    <Question
      title={deleted ? 'Deleted elsewhere' : 'Changed elsewhere'}
      onClose={onKeep}
      actions={
        <>
          <Button variant="default" onClick={onTheirs}>
            {deleted ? 'Discard my changes' : 'Reload'}
          </Button>
          <Button onClick={onKeep} data-autofocus>
            Keep editing
          </Button>
        </>
      }
    >
      {deleted ? (
        <p>
          <strong>{name}</strong> was deleted elsewhere while you were editing it. Keep editing, and Save makes it anew.
        </p>
      ) : (
        <p>
          <strong>{name}</strong> was changed elsewhere while you were editing it. Reload shows the new values and drops yours. Keep editing keeps the
          fields that you changed, and shows the new values in the others; nothing is written until you save.
        </p>
      )}
    </Question>
  )
}

interface DeleteServerProps {
  name: string
  saving: boolean
  groups: readonly string[]
  onCancel: () => void
  onDelete: () => void
}

export function DeleteServerQuestion({ name, saving, groups, onCancel, onDelete }: DeleteServerProps) {
  return (
    <Question
      title="Delete this server?"
      onClose={onCancel}
      actions={
        <>
          <Button variant="default" onClick={onCancel} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={saving} onClick={onDelete}>
            Delete server
          </Button>
        </>
      }
    >
      <p>
        <strong>{name}</strong> is no longer watched{groups.length > 0 && <> and leaves {groups.length === 1 ? 'the group' : 'the groups'} {groups.join(', ')}</>}. This
        cannot be undone.
      </p>
    </Question>
  )
}

interface DeleteGroupProps {
  name: string
  saving: boolean
  count: number
  /** The group that would take the servers; null when there is no other. */
  first: string | null
  onCancel: () => void
  onDelete: (reassign: Reassign) => void
}

export function DeleteGroupQuestion({ name, saving, count, first, onCancel, onDelete }: DeleteGroupProps) {
  const [reassign, setReassign] = useState<Reassign>('unassign')
  const servers = count === 1 ? 'its server' : `its ${count} servers`
  return (
    <Question
      title="Delete this group?"
      onClose={onCancel}
      actions={
        <>
          <Button variant="default" onClick={onCancel} data-autofocus>
            Cancel
          </Button>
          <Button color="red" loading={saving} onClick={() => onDelete(reassign)}>
            Delete group
          </Button>
        </>
      }
    >
      <p>
        <strong>{name}</strong> is removed from the dashboard. {count === 0 ? 'It has no servers.' : 'Its servers stay and are watched as before.'}
      </p>
      {count > 0 && (
        <Radio.Group label={`What happens to ${servers}?`} value={reassign} onChange={(value) => setReassign(value)}>
          <div className={css.choices}>
            <Radio value="unassign" label="Leave unassigned: shown under Ungrouped unless another group has them" />
            <Radio value="default" disabled={first === null} label={first === null ? 'Move to the first group: there is no other group' : `Move to the first group, ${first}`} />
          </div>
        </Radio.Group>
      )}
    </Question>
  )
}
