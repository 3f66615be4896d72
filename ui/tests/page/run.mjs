// node run.mjs [--real] [--screenshots FOLDER] [PATTERN]: the flows of the page in Chromium.
// Environment: DIST, the built page (for the mock); LOCKSTEP, the program (with --real); CHROMIUM, another browser.
import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import { MockBackend, RealBackend } from './backends.mjs'
import { launch, open } from './browser.mjs'
import { accessFlows } from './flows_access.mjs'
import { conflictFlows } from './flows_conflict.mjs'
import { dashboardFlows } from './flows_dashboard.mjs'
import { editFlows } from './flows_edit.mjs'
import { keyboardFlows } from './flows_keyboard.mjs'
import { viewFlows } from './flows_views.mjs'
import { takeScreenshots } from './screenshots.mjs'

process.env.DIST ??= fileURLToPath(new URL('../../dist', import.meta.url))
const { values, positionals } = parseArgs({ allowPositionals: true, options: { real: { type: 'boolean', default: false }, screenshots: { type: 'string' } } })
const Backend = values.real ? RealBackend : MockBackend
const wanted = new RegExp(positionals[0] ?? '', 'i')

const all = [...dashboardFlows, ...editFlows, ...conflictFlows, ...accessFlows, ...keyboardFlows, ...viewFlows]
const flows = all.filter(({ name, only }) => wanted.test(name) && !(only === 'mock' && values.real))

async function runOne(browser, { name, size = 'few', run, options, token = true }) {
  const backend = new Backend()
  await backend.start(size)
  const { context, page, faults } = await open(browser, options)
  // Most flows are of somebody who has signed in already.
  if (token) await context.addInitScript((value) => location.protocol === 'http:' && sessionStorage.setItem('lockstep-token', value), backend.token)
  try {
    await run({ page, context, backend, base: backend.base, browser })
    if (faults.length > 0) throw new Error(`the page complained: ${faults.join('\n')}`)
  } catch (error) {
    if (process.env.FAILED) await page.screenshot({ path: `${process.env.FAILED}/${name.replace(/\W+/g, '_')}.png` }).catch(() => undefined)
    if (faults.length > 0) error.message += `\n  in the page: ${faults.join('\n  ')}`
    throw error
  } finally {
    await context.close()
    await backend.stop()
  }
}

let browser = await launch()
let failed = 0

/** Chromium itself may crash, which says nothing about the page: then the flow is begun anew in another one, once. */
async function runTwiceAtMost(flow) {
  try {
    await runOne(browser, flow)
  } catch (error) {
    if (browser.isConnected()) throw error
    console.log(`note    ${flow.name}: Chromium crashed; once more\n${error.message.split('\n')[0]}`)
    browser = await launch()
    await runOne(browser, flow)
  }
}

try {
  for (const flow of flows) {
    const began = Date.now()
    try {
      await runTwiceAtMost(flow)
      console.log(`ok      ${flow.name} (${Date.now() - began} ms)`)
    } catch (error) {
      failed += 1
      console.log(`FAILED  ${flow.name} (${Date.now() - began} ms)\n${error.stack}`)
    }
  }
  if (values.screenshots) {
    mkdirSync(values.screenshots, { recursive: true })
    await takeScreenshots(browser, values.screenshots)
  }
} finally {
  await browser.close()
}
console.log(`${flows.length - failed} passed, ${failed} failed`)
process.exit(failed > 0 || flows.length === 0 ? 1 : 0)
