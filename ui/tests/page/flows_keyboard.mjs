// The same without a pointer: nothing here clicks.
import assert from 'node:assert/strict'
import { eventually } from './browser.mjs'
import { ConfigPage } from './config_page.mjs'

const focused = (page) =>
  page.evaluate(() => {
    const one = document.activeElement
    return one?.getAttribute('aria-label') ?? (one?.getAttribute('name') || one?.textContent?.trim()) ?? ''
  })

/** Tab until what has the focus says so; where it never does, a keyboard user is lost. */
async function tabTo(page, wanted, key = 'Tab') {
  const passed = []
  for (let count = 0; count < 60; count++) {
    await page.keyboard.press(key)
    const here = await focused(page)
    passed.push(here)
    if (wanted.test(here)) return
  }
  throw new Error(`no ${wanted} within 60 tabs: ${passed.join(' | ')}`)
}

async function visibleFocus(page) {
  const style = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
    const after = getComputedStyle(document.activeElement, '::after')
    return [outlineStyle !== 'none' && outlineWidth !== '0px', after.outlineStyle !== 'none' && after.outlineWidth !== '0px']
  })
  return style.some(Boolean)
}

export const keyboardFlows = [
  {
    name: 'keyboard: from nothing to a server in a group on the dashboard',
    size: 'empty',
    token: false,
    run: async ({ page, base, backend }) => {
      const { keyboard } = page
      await page.goto(base)
      await page.getByRole('heading', { name: 'Nothing is watched yet' }).waitFor()
      await tabTo(page, /^Add a server$/)
      await keyboard.press('Enter')
      await eventually('the name has the focus', async () => (await focused(page)) === 'name')
      await keyboard.type('Shop')
      await tabTo(page, /^dnsAddress$/)
      await keyboard.type('localhost')
      await keyboard.press('Control+s')
      await eventually('the token is asked for', () => page.evaluate(() => document.activeElement?.getAttribute('type') === 'password'))
      await keyboard.type(backend.token)
      await keyboard.press('Enter')
      await page.getByRole('log').getByText('Shop is saved').waitFor()
      await tabTo(page, /^Add a group$/, 'Shift+Tab')
      await keyboard.press('Enter')
      await eventually('the name has the focus', async () => (await focused(page)) === 'name')
      await keyboard.type('Public')
      await tabTo(page, /^$/)
      await keyboard.press('ArrowDown')
      await page.getByRole('option').first().waitFor()
      await keyboard.press('ArrowDown')
      await keyboard.press('Enter')
      await page.locator('[data-member]').waitFor()
      await keyboard.press('Control+s')
      await page.getByRole('log').getByText('Public is saved').waitFor()
      await tabTo(page, /^Dashboard$/, 'Shift+Tab')
      await keyboard.press('Enter')
      await page.getByRole('region', { name: 'Public' }).getByRole('link', { name: 'Shop' }).waitFor()
    },
  },
  {
    name: 'keyboard: skip to the content, and every stop shows its focus',
    run: async ({ page, base }) => {
      await page.goto(base)
      await page.locator('article').first().waitFor()
      await page.keyboard.press('Tab')
      assert.equal(await focused(page), 'Skip to content')
      await page.keyboard.press('Enter')
      assert.equal(await page.evaluate(() => document.activeElement.id), 'content')
      for (let count = 0; count < 18; count++) {
        await page.keyboard.press('Tab')
        if (await page.evaluate(() => document.activeElement === document.body)) break
        assert.ok(await visibleFocus(page), `${await focused(page)} has the focus and does not show it`)
      }
    },
  },
  {
    name: 'keyboard: arrows walk the lists, Enter opens',
    run: async ({ page, base }) => {
      const at = new ConfigPage(page, base)
      await at.goto()
      await at.item('Servers', 'Build cache').waitFor()
      await tabTo(page, /^Build cache/)
      await page.keyboard.press('ArrowDown')
      assert.match(await focused(page), /^Customer portal/)
      await page.keyboard.press('End')
      assert.match(await focused(page), /^Web shop/)
      await page.keyboard.press('ArrowDown')
      assert.match(await focused(page), /^Web shop/)
      await page.keyboard.press('Home')
      await page.keyboard.press('ArrowUp')
      assert.match(await focused(page), /^Build cache/)
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await at.title('Customer portal')
      // The whole list is one stop.
      assert.match(await focused(page), /^Customer portal/)
      await page.keyboard.press('Tab')
      assert.equal(await focused(page), 'Add a group')
    },
  },
  {
    name: 'keyboard: groups are moved with Alt and an arrow, into a row of their own and back',
    run: async ({ page, base }) => {
      const at = new ConfigPage(page, base)
      await at.goto()
      await at.item('Groups', 'Infrastructure').waitFor()
      await tabTo(page, /^Public/)
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Alt+ArrowDown')
      await at.notice('Infrastructure is now in row 2, position 1')
      await eventually('rows', async () => (await at.rows()).join() === 'Row 1,Public,Row 2,Infrastructure')
      assert.match(await focused(page), /^Infrastructure/)
      await page.keyboard.press('Alt+ArrowUp')
      await eventually('rows', async () => (await at.rows()).join() === 'Row 1,Public,Infrastructure')
      await page.keyboard.press('Alt+ArrowUp')
      await at.notice('Infrastructure is now in row 1, position 1')
    },
  },
  {
    name: 'keyboard: the handle picks up, moves and drops',
    run: async ({ page, base }) => {
      const at = new ConfigPage(page, base)
      await at.goto()
      await at.select('Groups', 'Public')
      await page.getByRole('button', { name: /^Move Web shop,/ }).focus()
      await page.keyboard.press('Space')
      await page.getByText('Picked up Web shop').waitFor({ state: 'attached' })
      await page.keyboard.press('ArrowDown')
      await page.getByText('Web shop is over Payments API').waitFor({ state: 'attached' })
      await page.keyboard.press('Space')
      await eventually('it is second', async () => (await at.members()).join() === 'Payments API,Web shop,Customer portal')
      // And with Alt, without picking up.
      await page.getByRole('button', { name: /^Move Web shop,/ }).focus()
      await page.keyboard.press('Alt+ArrowDown')
      await page.getByText('Web shop is now 3 of 3').waitFor({ state: 'attached' })
      assert.deepEqual(await at.members(), ['Payments API', 'Customer portal', 'Web shop'])
      assert.match(await focused(page), /^Move Web shop/)
      await page.keyboard.press('Control+s')
      await at.notice('Public is saved')
    },
  },
  {
    name: 'keyboard: dialogs hold the focus, go with Escape and give it back',
    run: async ({ page, base }) => {
      const at = new ConfigPage(page, base)
      await at.goto()
      await at.select('Groups', 'Public')
      await at.button('Delete').focus()
      await page.keyboard.press('Enter')
      await at.dialog('Delete this group?').waitFor()
      await eventually('the harmless answer has the focus', async () => (await focused(page)) === 'Cancel')
      for (let count = 0; count < 8; count++) {
        await page.keyboard.press('Tab')
        assert.ok(await page.evaluate(() => document.activeElement.closest('[role=dialog]') !== null), 'the focus left the dialog')
      }
      await page.keyboard.press('Escape')
      await at.dialog('Delete this group?').waitFor({ state: 'detached' })
      await eventually('Delete has the focus again', async () => (await focused(page)) === 'Delete')
    },
  },
]
