// Two people at once, and changes that are not saved yet.
import assert from 'node:assert/strict'
import { eventually } from './browser.mjs'
import { ConfigPage } from './config_page.mjs'

const server = '/api/config/servers/server-001'

async function editing(world, values = { name: 'Mine' }) {
  const at = new ConfigPage(world.page, world.base)
  await at.goto()
  await at.select('Servers', 'Web shop')
  if (values) await at.fill(values)
  return at
}

export const conflictFlows = [
  {
    name: 'conflict: changed elsewhere, keep editing: only my fields are mine',
    run: async (world) => {
      const at = await editing(world)
      await world.backend.change(server, { name: 'Theirs', port: 8444 })
      await at.choose('Changed elsewhere', 'Keep editing')
      assert.equal(await at.field('name').inputValue(), 'Mine')
      assert.equal(await at.field('port').inputValue(), '8444')
      assert.equal((await world.backend.rest('GET', server)).data.name, 'Theirs')
      await at.save('Mine')
      const { data } = await world.backend.rest('GET', server)
      assert.deepEqual([data.name, data.port], ['Mine', 8444])
    },
  },
  {
    name: 'conflict: changed elsewhere, reload: theirs',
    run: async (world) => {
      const at = await editing(world)
      await world.backend.change(server, { name: 'Theirs' })
      await at.choose('Changed elsewhere', 'Reload')
      assert.equal(await at.field('name').inputValue(), 'Theirs')
      assert.ok(await at.button('Save').isDisabled())
    },
  },
  {
    name: 'conflict: nothing edited here, the change is shown and said',
    run: async (world) => {
      const at = await editing(world, null)
      await world.backend.change(server, { name: 'Theirs' })
      await at.notice('Theirs was changed elsewhere and is shown as it is now')
      assert.equal(await at.field('name').inputValue(), 'Theirs')
    },
  },
  {
    name: 'conflict: a stale save is refused and asked about',
    only: 'mock',
    run: async (world) => {
      const at = await editing(world)
      // Behind the page's back: no event tells of it.
      world.backend.api.servers = world.backend.api.servers.map((one) => (one.id === 'server-001' ? { ...one, port: 8445 } : one))
      await at.button('Save').click()
      await at.choose('Changed elsewhere', 'Keep editing')
      await at.save('Mine')
      assert.equal((await world.backend.rest('GET', server)).data.port, 8445)
    },
  },
  {
    name: 'conflict: deleted elsewhere, keep editing: Save makes it anew',
    run: async (world) => {
      const at = await editing(world)
      await world.backend.remove(server)
      await at.choose('Deleted elsewhere', 'Keep editing')
      await at.save('Mine')
      assert.equal((await world.backend.rest('GET', server)).data.name, 'Mine')
    },
  },
  {
    name: 'conflict: deleted elsewhere, discard',
    run: async (world) => {
      const at = await editing(world)
      await world.backend.remove(server)
      await at.choose('Deleted elsewhere', 'Discard my changes')
      await at.title('Configuration')
      assert.match(world.page.url(), /\/config$/)
    },
  },
  {
    name: 'conflict: deleted elsewhere while nothing is edited',
    run: async (world) => {
      const at = await editing(world, null)
      await world.backend.remove(server)
      await at.notice('Web shop was deleted elsewhere')
      await at.title('Configuration')
    },
  },
  {
    name: 'conflict: moving a group beside its open form is none',
    run: async (world) => {
      const at = new ConfigPage(world.page, world.base)
      await at.goto()
      await at.select('Groups', 'Public')
      await at.fill({ name: 'Public 1' })
      await at.item('Groups', 'Public').focus()
      await world.page.keyboard.press('Alt+ArrowDown')
      await eventually('the form follows', async () => (await at.field('rowOrder').inputValue()) === '2')
      assert.equal(await world.page.getByRole('dialog').count(), 0)
      await at.save('Public 1')
    },
  },
  {
    name: 'unsaved: another one is selected only after asking',
    run: async (world) => {
      const at = await editing(world)
      await at.item('Servers', 'Mail gateway').click()
      await at.choose('Unsaved changes', 'Keep editing')
      assert.equal(await at.field('name').inputValue(), 'Mine')
      await at.item('Servers', 'Mail gateway').click()
      await at.choose('Unsaved changes', 'Discard')
      await at.title('Mail gateway')
      await at.select('Servers', 'Web shop')
    },
  },
  {
    name: 'unsaved: save on the way out',
    run: async (world) => {
      const at = await editing(world)
      await world.page.getByRole('link', { name: 'Dashboard', exact: true }).click()
      await at.choose('Unsaved changes', 'Save')
      await world.page.locator('article', { hasText: 'Mine' }).waitFor()
      assert.equal((await world.backend.rest('GET', server)).data.name, 'Mine')
    },
  },
  {
    name: 'unsaved: a save that fails stays in the form',
    run: async (world) => {
      const at = await editing(world, { port: '0' })
      await world.page.getByRole('link', { name: 'Dashboard', exact: true }).click()
      await at.choose('Unsaved changes', 'Save')
      assert.match(await at.error('port'), /1 to 65535/)
    },
  },
  {
    name: 'unsaved: the browser’s back asks too',
    run: async (world) => {
      const at = await editing(world)
      await world.page.goBack()
      await at.choose('Unsaved changes', 'Keep editing')
      assert.equal(await at.field('name').inputValue(), 'Mine')
      assert.match(world.page.url(), /#server\/server-001$/)
      await world.page.goBack()
      await at.choose('Unsaved changes', 'Discard')
      await at.title('Configuration')
    },
  },
  {
    name: 'unsaved: a new one is guarded as well, and an untouched one is not',
    run: async (world) => {
      const at = new ConfigPage(world.page, world.base)
      await at.goto('#server/new')
      await at.item('Servers', 'Web shop').click()
      await at.title('Web shop')
      await world.page.getByRole('button', { name: 'Add a server' }).first().click()
      await at.fill({ name: 'Half' })
      await at.item('Servers', 'Web shop').click()
      await at.choose('Unsaved changes', 'Discard')
      await at.title('Web shop')
    },
  },
  {
    name: 'unsaved: closing the page asks',
    run: async (world) => {
      await editing(world)
      const asked = new Promise((resolve) => world.page.once('dialog', resolve))
      await world.page.close({ runBeforeUnload: true })
      const dialog = await asked
      assert.equal(dialog.type(), 'beforeunload')
      await dialog.dismiss()
      assert.equal(world.page.isClosed(), false)
    },
  },
  {
    name: 'unsaved: a lost connection loses no typing',
    run: async (world) => {
      const at = await editing(world)
      await world.backend.kill()
      await world.page.getByText('Connection lost.').waitFor()
      await at.button('Save').click()
      await at.notice('The service cannot be reached')
      assert.equal(await at.field('name').inputValue(), 'Mine')
      await world.backend.restart()
      await world.page.getByText('Connection lost.').waitFor({ state: 'hidden', timeout: 20_000 })
      await at.save('Mine')
    },
  },
]
