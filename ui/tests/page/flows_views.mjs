// Every view, in both schemes and on both devices: nothing for axe-core to complain about, and nothing too wide.
import assert from 'node:assert/strict'
import { axe, desk, eventually, overflow, phone } from './browser.mjs'
import { ConfigPage } from './config_page.mjs'

async function check(page, view) {
  assert.deepEqual(await axe(page), [], view)
  assert.ok((await overflow(page)) <= 0, `${view} is wider than its window`)
}

async function walk({ page, base, backend }) {
  const at = new ConfigPage(page, base)
  await page.goto(base)
  await page.locator('article').first().waitFor()
  await check(page, 'dashboard')
  await page.locator('article a').first().focus()
  await page.getByRole('tooltip').waitFor()
  await check(page, 'dashboard with details')
  await at.goto()
  await at.item('Servers', 'Web shop').waitFor()
  await check(page, 'configuration')
  for (const [fragment, title] of [['#server/server-001', 'Web shop'], ['#group/group-1', 'Public'], ['#server/new', 'New server'], ['#group/new', 'New group'], ['#server/nobody', 'This server does not exist']]) { // prettier-ignore
    await page.goto('about:blank')
    await at.goto(fragment)
    await at.title(title)
    await check(page, title)
  }
  await at.goto('#server/server-001')
  await at.title('Web shop')
  await at.fill({ name: '', ip: 'x', dnsAddress: '', port: '0' })
  await at.button('Save').click()
  await eventually('errors', async () => (await at.error('name')) !== '')
  await check(page, 'errors')
  await at.button('Delete').click()
  await at.dialog('Delete this server?').waitFor()
  await check(page, 'delete a server')
  await page.keyboard.press('Escape')
  await page.getByRole('link', { name: 'Dashboard', exact: true }).click()
  await at.dialog('Unsaved changes').waitFor()
  await check(page, 'unsaved')
  await at.choose('Unsaved changes', 'Keep editing')
  await backend.change('/api/config/servers/server-001', { expiryWarningDays: 31 })
  await at.dialog('Changed elsewhere').waitFor()
  await check(page, 'changed elsewhere')
  await at.choose('Changed elsewhere', 'Reload')
  await page.goto('about:blank')
  await at.goto('#group/group-1')
  await at.title('Public')
  await page.getByRole('combobox', { name: 'Add a server' }).click()
  await page.getByRole('option').first().waitFor()
  await check(page, 'adding a server')
  await page.keyboard.press('Escape')
  await at.button('Delete').click()
  await at.dialog('Delete this group?').waitFor()
  await check(page, 'delete a group')
  await page.keyboard.press('Escape')
  await backend.kill()
  await page.getByText('Connection lost.').waitFor()
  await check(page, 'connection lost')
}

const looks = [
  ['light, desk', { viewport: desk, colorScheme: 'light' }],
  ['dark, desk', { viewport: desk, colorScheme: 'dark' }],
  ['light, phone', { viewport: phone, colorScheme: 'light', hasTouch: true }],
  ['dark, phone', { viewport: phone, colorScheme: 'dark', hasTouch: true }],
]

export const viewFlows = [
  ...looks.map(([look, options]) => ({ name: `views: all of them with axe-core, ${look}`, options, run: walk })),
  {
    name: 'views: empty, signing in and many servers with axe-core',
    size: 'many',
    only: 'mock',
    token: false,
    run: async ({ page, base, backend }) => {
      await page.goto(base)
      await page.locator('article').first().waitFor()
      await page.getByRole('button', { name: /^Show all/ }).click()
      await check(page, 'many servers')
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('dialog').waitFor()
      await check(page, 'sign in')
      await page.keyboard.press('Escape')
      await page.getByRole('searchbox').fill('nobody')
      await page.getByText('No server matches.').waitFor()
      await check(page, 'no match')
      Object.assign(backend.api, { servers: [], groups: [], certificates: [], statuses: new Map() })
      for (const path of ['/', '/config']) {
        await page.goto(base + path)
        await page.locator('main h1').waitFor()
        await check(page, `${path}, empty`)
      }
    },
  },
  {
    name: 'views: on a phone the list leads to the form and back',
    options: { viewport: phone, hasTouch: true },
    run: async ({ page, base }) => {
      const at = new ConfigPage(page, base)
      await at.goto()
      await at.item('Servers', 'Web shop').tap()
      await at.title('Web shop')
      assert.equal(await at.list('Servers').isVisible(), false)
      await page.getByRole('button', { name: 'Back to the list' }).tap()
      await at.item('Servers', 'Web shop').waitFor()
    },
  },
]
