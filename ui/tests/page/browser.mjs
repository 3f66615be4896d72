// Debian's Chromium, and a page that notices whatever went wrong in it.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Without the network of Chromium itself: it would look up its makers' hosts at every start. */
const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] // prettier-ignore

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args })
}

export const desk = { width: 1280, height: 720 }
export const phone = { width: 390, height: 844 }

// What Chromium itself says of an answer or a connection; the flows that cause it expect it.
const ofNetwork = /^Failed to load resource: (net::ERR_|the server responded with a status of (401|404|409|412|400))/

/** A fresh context with one page; `faults` collects errors, and violations of the content security policy. */
export async function open(browser, { viewport = desk, colorScheme = 'light', ...more } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce', ...more })
  const faults = []
  const watch = (page) => {
    page.setDefaultTimeout(10_000)
    page.on('pageerror', (error) => faults.push(`error: ${error.stack ?? error.message}`))
    page.on('console', (message) => {
      const text = message.text()
      if (['error', 'warning'].includes(message.type()) && !ofNetwork.test(text)) faults.push(`${message.type()}: ${text}`)
    })
  }
  context.on('page', watch)
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`)),
  )
  const page = await context.newPage()
  return { context, page, faults }
}

/** What axe-core finds in the page as it is now, one line a violation. */
export async function axe(page) {
  await page.evaluate(axeSource)
  const violations = await page.evaluate(async () => {
    // Details of a card and dialogs count as well: the whole document.
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] })
    return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.split('\n').slice(1, 3).join(' ')}`).join(' | ')}`)
  })
  return violations
}

/** How far the page is wider than its window; nothing may be. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}

export async function eventually(what, check, patience = 8000) {
  const end = Date.now() + patience
  let last
  do {
    try {
      last = await check()
      if (last) return last
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  } while (Date.now() < end)
  throw new Error(`not within ${patience} ms: ${what} (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`)
}
