// Reads an OpenAPI 3.1 document and answers of the service, and says which answer is not what the document says.
//
//   node check.mjs DOCUMENT <ANSWERS
//
// ANSWERS: one JSON object a line, {"method", "path" (as in the document), "status", "type", "headers", "body"}. The last
// line of the output is a summary; every operation and every status that the document names and no answer had is in it.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv2020 from 'ajv/dist/2020.js'

const document = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const problems = []
const verdict = await new Validator().validate(structuredClone(document))
if (!verdict.valid) problems.push(`the document is no OpenAPI 3.1: ${JSON.stringify(verdict.errors)}`)

// The document as one schema, so that its references lead into it.
const ajv = new Ajv2020({ strict: false, allErrors: true })
ajv.addSchema({ $id: 'openapi', ...document })

const escaped = (key) => key.replaceAll('~', '~0').replaceAll('/', '~1')

function resolved(pointer) {
  let value = pointer.slice(1).split('/').reduce((at, key) => at?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], document)
  if (value && value.$ref) return resolved(value.$ref.slice(1))
  return value === undefined ? undefined : { value, pointer }
}

const seen = new Set()
let count = 0
for await (const line of createInterface({ input: process.stdin })) {
  const answer = JSON.parse(line)
  count += 1
  const name = `${answer.method} ${answer.path} ${answer.status}`
  seen.add(name)
  const response = resolved(`/paths/${escaped(answer.path)}/${answer.method.toLowerCase()}/responses/${answer.status}`)
  if (!response) {
    problems.push(`${name}: the document does not know this answer`)
    continue
  }
  const type = answer.type.split(';')[0]
  const content = response.value.content?.[type]
  if (!content) {
    problems.push(`${name}: ${type} is not what the document says`)
    continue
  }
  for (const [header, { required }] of Object.entries(response.value.headers ?? {})) {
    if (required && !(header.toLowerCase() in answer.headers)) problems.push(`${name}: no ${header}`)
  }
  if (type !== 'application/json') continue
  const validate = ajv.compile({ $ref: `openapi#${response.pointer}/content/${escaped(type)}/schema` })
  if (!validate(JSON.parse(answer.body))) problems.push(`${name}: ${ajv.errorsText(validate.errors)}: ${answer.body.slice(0, 300)}`)
}

const missing = []
for (const [path, operations] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    for (const status of Object.keys(operation.responses)) {
      const name = `${method.toUpperCase()} ${path} ${status}`
      if (!seen.has(name)) missing.push(name)
    }
  }
}
for (const problem of problems) console.log(problem)
console.log(JSON.stringify({ answers: count, kinds: seen.size, problems: problems.length, missing }))
process.exitCode = problems.length === 0 ? 0 : 1
