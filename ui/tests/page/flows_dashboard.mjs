// What one sees on the dashboard, and how it stays true.
import assert from 'node:assert/strict'
import { eventually } from './browser.mjs'

const card = (page, name) => page.locator('article', { has: page.getByRole('heading', { name, exact: true }) })
const banner = (page) => page.getByText('Connection lost.')

async function widths(page) {
  return page.evaluate(() => Object.fromEntries([...document.querySelectorAll('[data-group]')].map((one) => [one.querySelector('h2')?.textContent, one.getBoundingClientRect().width])))
}

export const dashboardFlows = [
  {
    name: 'dashboard: groups in rows, wide by their servers, and the rest below',
    run: async ({ page, base }) => {
      await page.goto(base)
      await card(page, 'Build cache').waitFor()
      const headings = await page.locator('[data-group] h2').allTextContents()
      assert.deepEqual(headings, ['Public', 'Infrastructure', 'Ungrouped'])
      const found = await widths(page)
      const share = found.Public / (found.Public + found.Infrastructure)
      assert.ok(Math.abs(share - 0.6) < 0.01, `3 of 5 servers, and ${share} of the width`)
      assert.equal(await page.locator('[data-group=group-1] article').count(), 3)
    },
  },
  {
    name: 'dashboard: a small group keeps 15 percent',
    size: 'few',
    run: async ({ page, base, backend }) => {
      const { data } = await backend.rest('GET', '/api/config/servers')
      const [first, ...others] = data.servers.map(({ id }) => id)
      for (let index = 0; index < 6; index++) others.push((await backend.rest('POST', '/api/config/servers', { name: `more ${index}`, ip: '127.0.0.1', port: 1 })).data.id)
      await backend.change('/api/config/groups/group-1', { serverIds: [first] })
      await backend.change('/api/config/groups/group-2', { serverIds: others })
      await page.goto(base)
      await card(page, 'more 0').waitFor()
      const found = await widths(page)
      const share = found.Public / (found.Public + found.Infrastructure)
      assert.ok(share > 0.149 && share < 0.16, `${share}`)
    },
  },
  {
    name: 'dashboard: empty, it says the first step',
    size: 'empty',
    run: async ({ page, base }) => {
      await page.goto(base)
      await page.getByRole('heading', { name: 'Nothing is watched yet' }).waitFor()
      await page.getByRole('button', { name: 'Add a server' }).click()
      await eventually('the name has the focus', () => page.evaluate(() => document.activeElement?.getAttribute('name') === 'name'))
    },
  },
  {
    name: 'dashboard: what is added, renamed and deleted elsewhere appears at once',
    run: async ({ page, base, backend }) => {
      await page.goto(base)
      await card(page, 'Build cache').waitFor()
      const { data } = await backend.rest('POST', '/api/config/servers', { name: 'Newcomer', dnsAddress: 'localhost', port: 1 })
      await card(page, 'Newcomer').waitFor()
      await backend.change(`/api/config/servers/${data.id}`, { name: 'Renamed' })
      await card(page, 'Renamed').waitFor()
      await backend.remove(`/api/config/servers/${data.id}`)
      await card(page, 'Renamed').waitFor({ state: 'detached' })
      await backend.rest('POST', '/api/config/groups', { name: 'Fresh group' })
      await page.getByRole('heading', { name: 'Fresh group' }).waitFor()
    },
  },
  {
    name: 'dashboard: a server that goes offline is shown and said',
    run: async ({ page, base, backend }) => {
      await page.goto(base)
      if (backend.constructor.real) {
        // What it watches is not there any more from now on; the page says so after the next check.
        await card(page, 'Web shop').getByText('Online').waitFor({ timeout: 15_000 })
        await backend.change('/api/config/servers/server-001', { port: 1 })
      } else {
        await card(page, 'Web shop').getByText('Online').waitFor()
        backend.api.setStatus('server-001', { state: 'offline', error: 'connection refused' })
      }
      await card(page, 'Web shop').getByText('Offline').waitFor({ timeout: 30_000 })
      await page.locator('[data-announcer]', { hasText: 'Web shop: Offline' }).waitFor({ state: 'attached' })
      await eventually('the title counts problems', async () => /^\(\d+\) Lockstep$/.test(await page.title()))
    },
  },
  {
    name: 'dashboard: expiring and expired stand out by words and shape',
    only: 'mock',
    run: async ({ page, base }) => {
      await page.goto(base)
      await card(page, 'Payments API').getByText('Expiring', { exact: true }).waitFor()
      assert.match(await card(page, 'Payments API').innerText(), /12 days left/)
      assert.match(await card(page, 'Mail gateway').innerText(), /Expired\s[\s\S]*Expired 3 days ago/)
      const edge = (name) => card(page, name).evaluate((one) => getComputedStyle(one, '::before').backgroundImage + getComputedStyle(one, '::before').width)
      assert.notEqual(await edge('Payments API'), await edge('Web shop'))
      assert.notEqual(await edge('Mail gateway'), await edge('Payments API'))
    },
  },
  {
    name: 'dashboard: the issuer is there on hover and on focus, and goes with Escape',
    only: 'mock',
    run: async ({ page, base }) => {
      await page.goto(base)
      const details = page.getByRole('tooltip')
      await card(page, 'Web shop').hover()
      await details.getByText('CN=R11, O=Let’s Encrypt, C=US').waitFor()
      // It stays while the pointer is on it.
      await details.hover()
      await page.waitForTimeout(300)
      assert.ok(await details.isVisible())
      await page.keyboard.press('Escape')
      await details.waitFor({ state: 'hidden' })
      await page.getByRole('link', { name: 'Customer portal' }).last().focus()
      await details.getByText('CN=portal.example.com').waitFor()
      const described = await page.evaluate(() => document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent)
      assert.match(described, /Issuer.*Encrypt/)
      await page.keyboard.press('Escape')
      await details.waitFor({ state: 'hidden' })
    },
  },
  {
    name: 'dashboard: search and states filter many servers',
    size: 'many',
    only: 'mock',
    run: async ({ page, base }) => {
      await page.goto(base)
      await page.locator('article').first().waitFor()
      assert.equal(await page.locator('article').count(), 60)
      await page.getByRole('searchbox', { name: 'Search servers' }).fill('vpn fra')
      await eventually('few are left', async () => (await page.locator('article').count()) === 1)
      await page.getByRole('searchbox').fill('nobody')
      await page.getByText('No server matches.').waitFor()
      await page.getByRole('button', { name: 'Show all servers' }).click()
      await eventually('all are back', async () => (await page.locator('article').count()) === 60)
      const problems = page.getByRole('button', { name: /Problems/ })
      await problems.click()
      await eventually('the problems are left', async () => (await page.locator('article').count()) === 4)
      assert.equal(await problems.getAttribute('aria-pressed'), 'true')
      await problems.click()
      await eventually('all are back', async () => (await page.locator('article').count()) === 60)
    },
  },
  {
    name: 'dashboard: the timeline has servers and the store, the soonest first',
    only: 'mock',
    run: async ({ page, base }) => {
      await page.goto(base)
      const timeline = page.getByRole('region', { name: 'Upcoming expiries' })
      await timeline.getByText('intranet.example.com').waitFor()
      const names = (await timeline.getByRole('listitem').allInnerTexts()).map((text) => text.split('\n')[0].replace(/store$/, '').trim())
      assert.deepEqual(names, ['Mail gateway', 'Payments API', 'intranet.example.com', 'Customer portal', 'shop.example.com'])
      await timeline.getByRole('button', { name: 'Show all 7' }).click()
      assert.equal(await timeline.getByRole('listitem').count(), 7)
    },
  },
  {
    name: 'connection: killed and started again, the page says so and catches up',
    run: async ({ page, base, backend }) => {
      await page.goto(base)
      await card(page, 'Build cache').waitFor()
      await page.getByText('Live', { exact: true }).waitFor()
      await backend.kill()
      await banner(page).waitFor()
      await page.getByText(/What you see is from \d\d:\d\d:\d\d/).waitFor()
      // The last picture stays.
      assert.ok(await card(page, 'Build cache').isVisible())
      await backend.restart()
      await banner(page).waitFor({ state: 'hidden', timeout: 20_000 })
      await page.getByText('Live', { exact: true }).waitFor()
      await backend.rest('POST', '/api/config/servers', { name: 'After the storm', ip: '127.0.0.1', port: 1 })
      await card(page, 'After the storm').waitFor()
    },
  },
  {
    name: 'connection: Try now does not wait',
    run: async ({ page, base, backend }) => {
      await page.clock.install()
      await page.goto(base)
      await card(page, 'Build cache').waitFor()
      await backend.kill()
      await banner(page).waitFor()
      // The page's time stands still: no pause of its own ends, whatever else this machine is doing.
      await page.clock.pauseAt(new Date(Date.now() + 1000))
      await backend.restart()
      await page.getByRole('button', { name: 'Try now' }).click()
      await banner(page).waitFor({ state: 'hidden' })
    },
  },
  {
    name: 'connection: missed events are replayed, not the whole picture',
    only: 'mock',
    run: async ({ page, base, backend }) => {
      await page.goto(base)
      await card(page, 'Build cache').waitFor()
      for (const stream of backend.api.streams) stream.destroy()
      backend.api.setStatus('server-006', { state: 'offline', error: 'timed out' })
      await card(page, 'Build cache').getByText('Offline').waitFor()
      await page.getByText('Live', { exact: true }).waitFor()
    },
  },
  {
    name: 'a file with an error is said, and is not when it is good again',
    run: async ({ page, base, backend }) => {
      await page.goto(base)
      await card(page, 'Build cache').waitFor()
      await backend.configError(true)
      await page.getByText('A configuration file has an error').waitFor()
      assert.ok(await card(page, 'Build cache').isVisible())
      await backend.configError(false)
      await page.getByText('A configuration file has an error').waitFor({ state: 'hidden' })
    },
  },
  {
    name: 'the colour scheme follows the system until one is chosen',
    run: async ({ page, base }) => {
      const shown = () => page.evaluate(() => document.documentElement.getAttribute('data-mantine-color-scheme'))
      await page.emulateMedia({ colorScheme: 'dark' })
      await page.goto(base)
      await card(page, 'Build cache').waitFor()
      assert.equal(await shown(), 'dark')
      await page.emulateMedia({ colorScheme: 'light' })
      await eventually('light', async () => (await shown()) === 'light')
      const toggle = page.getByRole('button', { name: /^Colours/ })
      await toggle.click()
      await toggle.click()
      await eventually('dark by choice', async () => (await shown()) === 'dark')
      await page.reload()
      assert.equal(await shown(), 'dark')
    },
  },
]
