// npm run mock [empty|few|many|COUNT]: the mock server on the port that `npm run dev` expects.
import { fileURLToPath } from 'node:url'
import { startMock } from './server.mjs'

const size = process.argv[2] ?? 'few'
const { base, api } = await startMock({ dist: fileURLToPath(new URL('../../dist', import.meta.url)), size, port: 8443 })
console.log(`${base}, token ${api.token}`)
