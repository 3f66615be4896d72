import { configApi } from '../data/config_api'
import type { Group, ServerConfig } from '../data/types'
import { groupAdapter } from './adapters'
import { DeleteGroupQuestion } from './confirm'
import { EditorFrame } from './editor_frame'
import { NumberField, Section, TextField } from './fields'
import { errorFor } from './form_state'
import { Members } from './members'
import { Missing } from './missing'
import { useEditor } from './use_editor'
import css from './form.module.css'

interface Props {
  id: string
  groups: readonly Group[]
  servers: readonly ServerConfig[]
}

/** The group that would take the servers of a deleted one: the first other by order. */
function firstOther(groups: readonly Group[], id: string): string | null {
  const others = groups.filter((group) => group.id !== id).sort((a, b) => a.order - b.order)
  return others[0]?.name ?? null
}

export function GroupForm({ id, groups, servers }: Props) {
  const editor = useEditor(groupAdapter, id)
  const { known, form, errors, isNew } = editor
  if (editor.phase !== 'ready') return <Missing phase={editor.phase} kindName="group" />
  const field = { kind: 'group' as const, editor }
  const listError = errorFor(errors, 'serverIds')
  return (
    <EditorFrame
      editor={editor}
      kindName="group"
      title={isNew ? 'New group' : (known?.thing.name ?? '')}
      question={(close) => (
        <DeleteGroupQuestion
          name={known?.thing.name ?? ''}
          saving={editor.saving}
          count={known?.thing.serverIds.length ?? 0}
          first={firstOther(groups, id)}
          onCancel={close}
          onDelete={(reassign) => void editor.remove((etag) => configApi.deleteGroup(id, etag, reassign)).then(close)}
        />
      )}
    >
      <div className={css.sections}>
        <Section title="Group">
          <TextField {...field} field="name" placeholder="Production" autoFocus />
        </Section>
        <Section title="Servers" text="The dashboard shows them in this order. Drag them, use the arrows, or hold Alt and press ↑ or ↓.">
          <Members ids={form.values.serverIds} servers={servers} errors={errors} onChange={(ids) => editor.set('serverIds', ids)} />
          {listError && (
            <p className={css.error} role="alert">
              {listError}
            </p>
          )}
        </Section>
        <Section title="Place on the dashboard" text={isNew ? 'Left empty, it gets a row of its own below the others.' : 'Rows from the top, groups in a row from the left. Groups can be dragged in the list on the side, too.'}>
          <NumberField {...field} field="rowNumber" />
          <NumberField {...field} field="rowOrder" />
        </Section>
      </div>
    </EditorFrame>
  )
}
