import { expect, test } from 'vitest'
import table from '../../../src/service/rules_cases.json'
import { errorsOf, ruleOf, violations, type Kind } from './rules'

test.each(table.cases.map((one, index) => ({ ...one, title: `${index} ${one.kind}: ${one.note} ${JSON.stringify(one.value).slice(0, 60)}` })))(
  '$title',
  ({ kind, value, errors }) => {
    expect(violations(kind as Kind, value)).toEqual(errors)
  },
)

test('the messages are the rules’ own', () => {
  expect(errorsOf('server', { tags: ['a', 'a', ''] })).toEqual({
    name: 'Give the server a name',
    ip: 'Give an IP address or a DNS address',
    dnsAddress: 'Give an IP address or a DNS address',
    'tags.1': 'This tag is there already',
    'tags.2': 'A tag must have 1 to 30 characters and no space at its ends',
  })
  expect(errorsOf('group', { name: 'a/b' })).toEqual({ name: ruleOf('group', 'name').message })
})
