import { expect, test } from 'vitest'
import { dirtyFields, edit, errorFor, freshForm, leave, rebase, visibleErrors } from './form_state'

const base = { name: 'web', ip: '', dnsAddress: '', port: 443, tags: ['eu'] }

test('only what differs is changed', () => {
  const form = edit(edit(freshForm(base), 'name', 'web2'), 'tags', ['eu'])
  expect(dirtyFields(form)).toEqual(['name'])
  expect(dirtyFields(edit(form, 'name', 'web'))).toEqual([])
})

test('an error is shown when its field was left, or after a try to save', () => {
  const form = edit(freshForm(base), 'name', '')
  expect(visibleErrors('server', form)).toEqual({})
  expect(visibleErrors('server', leave(form, 'name'))).toEqual({ name: 'Give the server a name' })
  expect(Object.keys(visibleErrors('server', { ...form, submitted: true }))).toEqual(['name', 'ip', 'dnsAddress'])
})

test('one of the two addresses is missing only when both were left', () => {
  const one = leave(freshForm(base), 'ip')
  expect(visibleErrors('server', one)).toEqual({})
  expect(Object.keys(visibleErrors('server', leave(one, 'dnsAddress')))).toEqual(['ip', 'dnsAddress'])
  expect(Object.keys(visibleErrors('server', leave(edit(one, 'ip', 'x'), 'ip')))).toEqual(['ip'])
})

test('spaces at the ends go when a field is left', () => {
  expect(leave(edit(freshForm(base), 'ip', ' ::1 '), 'ip').values.ip).toBe('::1')
})

test('the service’s word stays until the field is edited', () => {
  const form = { ...freshForm({ ...base, ip: '::1' }), refused: { name: 'taken', 'tags.0': 'bad' } }
  expect(errorFor(visibleErrors('server', form), 'tags')).toBe('bad')
  expect(visibleErrors('server', edit(form, 'tags', []))).toEqual({ name: 'taken' })
})

test('a newer base keeps what was changed here', () => {
  const form = rebase(edit(freshForm(base), 'name', 'mine'), { ...base, name: 'theirs', port: 8443 })
  expect(form.values).toMatchObject({ name: 'mine', port: 8443 })
  expect(dirtyFields(form)).toEqual(['name'])
})
