// One server or group being edited: loading, saving, deleting, and noticing that somebody else changed it.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { ApiError, type Answer } from '../data/http'
import { live } from '../data/stream'
import { useStore } from '../data/store'
import { replacePlace } from '../routing/router'
import { errorsOf } from '../rules/rules'
import { notify, notifyError } from '../shared/notices'
import type { Adapter } from './adapters'
import { reloadLists } from './config_data'
import { differences, dirtyFields, edit, freshForm, leave, rebase, visibleErrors, type FormState, type Values } from './form_state'

export type Conflict<T> = { how: 'changed'; newer: Answer<T> } | { how: 'deleted' }

interface Known<T> {
  thing: T
  etag: string
}

export interface Editor<T, V extends object> {
  phase: 'loading' | 'ready' | 'missing' | 'failed'
  isNew: boolean
  known: Known<T> | null
  form: FormState<V>
  errors: Record<string, string>
  dirty: boolean
  saving: boolean
  conflict: Conflict<T> | null
  set: (field: keyof V & string, value: unknown) => void
  blur: (field: keyof V & string) => void
  reset: () => void
  save: () => Promise<boolean>
  remove: (call: (etag: string) => Promise<unknown>) => Promise<boolean>
  keepEditing: () => void
  takeTheirs: () => void
}

function isStatus(error: unknown, ...statuses: number[]): error is ApiError {
  return error instanceof ApiError && statuses.includes(error.status)
}

export function useEditor<T extends { id: string; name: string }, V extends object>(adapter: Adapter<T, V>, id: string): Editor<T, V> {
  const { kind } = adapter
  const isNew = id === 'new'
  const { configVersion } = useStore(live)
  const [phase, setPhase] = useState<Editor<T, V>['phase']>(isNew ? 'ready' : 'loading')
  const [known, setKnown] = useState<Known<T> | null>(null)
  const [form, setForm] = useState(() => freshForm(adapter.blank))
  const [saving, setSaving] = useState(false)
  const [conflict, setConflict] = useState<Conflict<T> | null>(null)
  // Deleted elsewhere, and the person keeps editing: saving makes it anew.
  const [gone, setGone] = useState(false)
  const dirty = gone || dirtyFields(form).length > 0

  const take = useCallback(
    ({ data, etag }: Answer<T>) => {
      setKnown({ thing: data, etag })
      setForm(freshForm(adapter.toValues(data)))
      setConflict(null)
      setGone(false)
      setPhase('ready')
    },
    [adapter],
  )

  // An answer may come long after the question: it meets the form as it is then.
  const latest = useRef({ known, dirty, form })
  useLayoutEffect(() => {
    latest.current = { known, dirty, form }
  })

  /** Compares what the service has now with what is being edited. */
  const compare = useCallback(
    (newer: Answer<T>) => {
      const now = latest.current
      if (now.known?.etag === newer.etag) return
      const base = adapter.toValues(newer.data)
      if (now.known && differences(now.form.base, base).every((field) => adapter.quiet.includes(field))) {
        setKnown({ thing: newer.data, etag: newer.etag })
        setForm((state) => rebase(state, base))
      } else if (!now.known || !now.dirty) {
        if (now.known) notify('good', `${newer.data.name} was changed elsewhere and is shown as it is now`)
        take(newer)
      } else setConflict({ how: 'changed', newer })
    },
    [adapter, take],
  )

  const notThere = useCallback(() => {
    const now = latest.current
    if (!now.known) setPhase('missing')
    else if (now.dirty) setConflict({ how: 'deleted' })
    else {
      notify('good', `${now.known.thing.name} was deleted elsewhere`)
      replacePlace({ page: 'config', kind: null, id: null })
    }
  }, [])

  useEffect(() => {
    if (isNew || saving || gone) return
    let current = true
    adapter.load(id).then(
      (answer) => current && compare(answer),
      (error: unknown) => {
        if (!current) return
        if (isStatus(error, 404)) notThere()
        else setPhase((before) => (before === 'loading' ? 'failed' : before))
      },
    )
    return () => {
      current = false
    }
  }, [adapter, id, isNew, gone, compare, notThere, configVersion, saving])

  const refresh = async () => {
    try {
      setConflict({ how: 'changed', newer: await adapter.load(id) })
    } catch (error) {
      if (isStatus(error, 404)) setConflict({ how: 'deleted' })
      else notifyError(error)
    }
  }

  const failed = async (error: unknown) => {
    if (isStatus(error, 400) && Object.keys(error.fields).length > 0) {
      const { fields } = error
      setForm((state) => ({ ...state, refused: fields }))
    } else if (isStatus(error, 412, 428)) await refresh()
    else if (isStatus(error, 404)) setConflict({ how: 'deleted' })
    else notifyError(error)
  }

  const save = async () => {
    setForm((state) => ({ ...state, submitted: true }))
    if (Object.keys(errorsOf(kind, form.values as Values)).length > 0) return false
    setSaving(true)
    try {
      const making = isNew || gone
      const answer = making || !known ? await adapter.create(form.values, gone ? id : undefined) : await adapter.save(id, form.values, known.thing, known.etag)
      take(answer)
      notify('good', `${answer.data.name} is saved`)
      if (answer.data.id !== id) replacePlace({ page: 'config', kind, id: answer.data.id })
      void reloadLists().catch(() => undefined)
      return true
    } catch (error) {
      await failed(error)
      return false
    } finally {
      setSaving(false)
    }
  }

  const remove = async (call: (etag: string) => Promise<unknown>) => {
    setSaving(true)
    try {
      await call(known?.etag ?? '')
      notify('good', `${known?.thing.name ?? id} is deleted`)
      setForm((state) => freshForm(state.base))
      replacePlace({ page: 'config', kind: null, id: null })
      void reloadLists().catch(() => undefined)
      return true
    } catch (error) {
      await failed(error)
      return false
    } finally {
      setSaving(false)
    }
  }

  const keepEditing = () => {
    if (conflict?.how === 'changed') {
      const { data, etag } = conflict.newer
      setKnown({ thing: data, etag })
      setForm((state) => rebase(state, adapter.toValues(data)))
    } else if (conflict) setGone(true)
    setConflict(null)
  }

  const takeTheirs = () => {
    if (conflict?.how === 'changed') take(conflict.newer)
    else {
      setForm((state) => freshForm(state.base))
      setGone(false)
      replacePlace({ page: 'config', kind: null, id: null })
    }
    setConflict(null)
  }

  const errors = useMemo(() => visibleErrors(kind, form), [kind, form])
  return {
    phase,
    isNew,
    known,
    form,
    errors,
    dirty,
    saving,
    conflict,
    set: (field, value) => setForm((state) => edit(state, field, value)),
    blur: (field) => setForm((state) => leave(state, field)),
    reset: () => setForm((state) => freshForm(state.base)),
    save,
    remove,
    keepEditing,
    takeTheirs,
  }
}
