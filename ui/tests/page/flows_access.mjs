// Who may: the token.
import assert from 'node:assert/strict'
import { eventually } from './browser.mjs'
import { ConfigPage } from './config_page.mjs'

async function signIn(page, token, remember = false) {
  const dialog = page.getByRole('dialog', { name: 'Sign in' })
  await dialog.getByRole('textbox', { name: 'Token' }).fill(token)
  if (remember) await dialog.getByRole('checkbox').check()
  await dialog.getByRole('button', { name: 'Sign in' }).click()
  return dialog
}

const stored = (page, where) => page.evaluate((name) => window[name].getItem('lockstep-token'), where)

export const accessFlows = [
  {
    name: 'access: a write asks for the token, and then goes on',
    token: false,
    run: async (world) => {
      const at = new ConfigPage(world.page, world.base)
      await at.goto()
      await at.select('Servers', 'Web shop')
      await at.fill({ name: 'Signed' })
      await at.button('Save').click()
      const dialog = await signIn(world.page, 'wrong')
      await dialog.getByText('does not accept this token').waitFor()
      await signIn(world.page, world.backend.token)
      await at.notice('Signed is saved')
      assert.equal(await stored(world.page, 'sessionStorage'), world.backend.token)
      assert.equal(await stored(world.page, 'localStorage'), null)
    },
  },
  {
    name: 'access: cancelled, nothing is changed and nothing typed is lost',
    token: false,
    run: async (world) => {
      const at = new ConfigPage(world.page, world.base)
      await at.goto()
      await at.select('Servers', 'Web shop')
      await at.fill({ name: 'Never' })
      await at.button('Save').click()
      await at.choose('Sign in', 'Cancel')
      await at.notice('Nothing was changed')
      assert.equal(await at.field('name').inputValue(), 'Never')
      assert.equal((await world.backend.rest('GET', '/api/config/servers/server-001')).data.name, 'Web shop')
    },
  },
  {
    name: 'access: remembered on this browser, until one signs out',
    token: false,
    run: async (world) => {
      const { page } = world
      await page.goto(world.base)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await signIn(page, world.backend.token, true)
      await page.getByRole('button', { name: 'Sign out' }).waitFor()
      assert.equal(await stored(page, 'localStorage'), world.backend.token)
      await page.reload()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('button', { name: 'Sign in' }).waitFor()
      assert.equal(await stored(page, 'localStorage'), null)
    },
  },
  {
    name: 'access: a token that is no longer good is asked for again',
    only: 'mock',
    run: async (world) => {
      const at = new ConfigPage(world.page, world.base)
      await at.goto()
      await at.select('Servers', 'Web shop')
      await at.fill({ name: 'Again' })
      world.backend.api.token = 'another'
      await at.button('Save').click()
      await signIn(world.page, 'another')
      await at.notice('Again is saved')
    },
  },
  {
    name: 'access: where reading needs the token, the page asks for it first',
    only: 'mock',
    token: false,
    run: async (world) => {
      world.backend.api.readNeedsToken = true
      await world.page.goto(world.base)
      const dialog = world.page.getByRole('dialog', { name: 'Sign in' })
      await dialog.getByText('Looking at this service needs its token').waitFor()
      assert.equal(await world.page.locator('article').count(), 0)
      await signIn(world.page, world.backend.token)
      await eventually('the servers appear', async () => (await world.page.locator('article').count()) === 6)
    },
  },
]
