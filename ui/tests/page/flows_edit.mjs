// Adding, changing, ordering and deleting.
import assert from 'node:assert/strict'
import { eventually } from './browser.mjs'
import { ConfigPage } from './config_page.mjs'

async function drag(page, from, to, down = true) {
  const start = await from.boundingBox()
  const end = await to.boundingBox()
  await page.mouse.move(start.x + start.width / 2, start.y + start.height / 2)
  await page.mouse.down()
  await page.mouse.move(start.x + start.width / 2, start.y + start.height / 2 + (down ? 12 : -12), { steps: 4 })
  await page.mouse.move(end.x + end.width / 2, end.y + end.height * (down ? 0.8 : 0.2), { steps: 12 })
  await page.mouse.up()
}

async function arrangement(backend) {
  const { data } = await backend.rest('GET', '/api/config/groups')
  return [...data.groups].sort((a, b) => a.rowNumber - b.rowNumber || a.rowOrder - b.rowOrder).map(({ name, rowNumber, rowOrder }) => `${name} ${rowNumber}.${rowOrder}`)
}

const config = ({ page, base }) => new ConfigPage(page, base)

export const editFlows = [
  {
    name: 'edit: the first server, from an empty configuration',
    size: 'empty',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await world.page.getByText('No servers yet.').waitFor()
      await world.page.getByText('No groups yet.').waitFor()
      await world.page.locator('main').getByRole('button', { name: 'Add a server' }).click()
      await at.title('New server')
      await at.fill({ name: 'Shop', dnsAddress: 'localhost' })
      await world.page.getByRole('combobox', { name: 'Tags' }).fill('eu, prod,')
      await at.save('Shop')
      await at.title('Shop')
      assert.match(world.page.url(), /#server\/server-001$/)
      await at.item('Servers', 'Shop').waitFor()
      const { data } = await world.backend.rest('GET', '/api/config/servers/server-001')
      assert.equal(data.port, 443)
      await world.page.getByRole('link', { name: 'Dashboard', exact: true }).click()
      await world.page.getByRole('heading', { name: 'Ungrouped' }).waitFor()
    },
  },
  {
    name: 'edit: errors appear when a field is left, and all on a try to save',
    run: async (world) => {
      const at = config(world)
      await at.goto('#server/new')
      await at.field('ip').fill('300.1.2.3')
      assert.equal(await at.error('ip'), '')
      await at.field('port').fill('70000')
      await eventually('the address is wrong', async () => /must be an IPv4/.test(await at.error('ip')))
      await at.field('name').focus()
      await eventually('the port is wrong', async () => /1 to 65535/.test(await at.error('port')))
      await at.field('ip').fill('')
      await at.field('dnsAddress').fill('a_b')
      await at.field('name').focus()
      await eventually('the host name is wrong', async () => /must be a host name/.test(await at.error('dnsAddress')))
      await at.button('Save').click()
      await eventually('the name is missing', async () => (await at.error('name')) === 'Give the server a name')
      await eventually('the first wrong field has the focus', () => world.page.evaluate(() => document.activeElement.getAttribute('name') === 'name'))
      await at.fill({ dnsAddress: '' })
      await eventually('one of two', async () => (await at.error('dnsAddress')) === 'Give an IP address or a DNS address')
      await at.fill({ name: ' Trimmed ', dnsAddress: 'localhost', port: '8443' })
      await at.save('Trimmed')
    },
  },
  {
    name: 'edit: what only the service can know comes back to its field',
    run: async (world) => {
      const at = config(world)
      await at.goto('#group/new')
      await at.fill({ name: 'pUBLIC' })
      await at.button('Save').click()
      await eventually('the name is taken', async () => (await at.error('name')) !== '')
      await at.fill({ name: 'Public 2' })
      assert.equal(await at.error('name'), '')
      await at.save('Public 2')
    },
  },
  {
    name: 'edit: cancel takes the changes back',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await at.select('Servers', 'Web shop')
      assert.ok(await at.button('Save').isDisabled())
      await at.fill({ name: 'Else' })
      await world.page.getByText('Unsaved changes').waitFor()
      await at.button('Cancel').click()
      assert.equal(await at.field('name').inputValue(), 'Web shop')
      assert.ok(await at.button('Save').isDisabled())
    },
  },
  {
    name: 'edit: all fields of a server survive a save and a reload',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await at.select('Servers', 'Build cache')
      const values = { name: 'Ünï "cache" <1>', ip: '2001:db8::1', dnsAddress: 'cache.example', port: '9443', serverName: 'sni.example', caBundle: '/etc/ssl/ca.pem', checkIntervalSeconds: '86400', expiryWarningDays: '7', consecutiveSuccesses: '10', consecutiveFailures: '1' }
      await at.fill(values)
      await world.page.getByRole('combobox', { name: 'Protocol' }).click()
      await world.page.getByRole('option', { name: 'HTTPS request' }).click()
      await at.save('Ünï "cache" <1>')
      await world.page.reload()
      await at.title(values.name)
      for (const [name, value] of Object.entries(values)) assert.equal(await at.field(name).inputValue(), value, name)
      assert.equal(await world.page.getByRole('combobox', { name: 'Protocol' }).inputValue(), 'HTTPS request')
    },
  },
  {
    name: 'delete: a server leaves its groups',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await at.select('Servers', 'Web shop')
      await at.button('Delete').click()
      await at.dialog('Delete this server?').getByText('leaves the group Public').waitFor()
      await at.choose('Delete this server?', 'Cancel')
      await at.button('Delete').click()
      await at.choose('Delete this server?', 'Delete server')
      await at.notice('Web shop is deleted')
      await at.item('Servers', 'Web shop').waitFor({ state: 'detached' })
      const { data } = await world.backend.rest('GET', '/api/config/groups/group-1')
      assert.deepEqual(data.serverIds, ['server-002', 'server-003'])
      await at.select('Groups', 'Public')
      assert.deepEqual(await at.members(), ['Payments API', 'Customer portal'])
    },
  },
  ...['Leave unassigned', 'Move to the first group'].map((answer) => ({
    name: `delete: a group, ${answer}`,
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await at.select('Groups', 'Public')
      await at.button('Delete').click()
      await at.dialog('Delete this group?').getByRole('radio', { name: answer }).check()
      await at.choose('Delete this group?', 'Delete group')
      await at.notice('Public is deleted')
      await at.item('Groups', 'Public').waitFor({ state: 'detached' })
      const { data } = await world.backend.rest('GET', '/api/config/groups/group-2')
      const moved = answer.startsWith('Move')
      assert.equal(data.serverIds.length, moved ? 5 : data.serverIds.length)
      assert.equal(data.serverIds.includes('server-001'), moved)
    },
  })),
  {
    name: 'group: made, filled, ordered by buttons, and shown on the dashboard so',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await world.page.getByRole('button', { name: 'Add a group' }).first().click()
      await at.title('New group')
      await at.fill({ name: 'Favourites' })
      for (const name of ['Web shop', 'Build cache', 'Mail gateway']) await at.addMember(name)
      await world.page.getByRole('button', { name: 'Move Mail gateway up' }).click()
      await world.page.getByRole('button', { name: 'Remove Web shop from the group' }).click()
      assert.deepEqual(await at.members(), ['Mail gateway', 'Build cache'])
      await at.save('Favourites')
      await world.page.getByRole('link', { name: 'Dashboard', exact: true }).click()
      const cards = world.page.locator('[data-group=group-3] h3')
      await cards.first().waitFor()
      assert.deepEqual(await cards.allInnerTexts(), ['Mail gateway', 'Build cache'])
      assert.deepEqual(await arrangement(world.backend), ['Public 1.1', 'Infrastructure 1.2', 'Favourites 2.1'])
    },
  },
  {
    name: 'group: its servers are ordered by dragging',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await at.select('Groups', 'Public')
      const grip = (name) => world.page.getByRole('button', { name: new RegExp(`^Move ${name},`) })
      await drag(world.page, grip('Web shop'), grip('Customer portal'))
      await eventually('it is the last', async () => (await at.members()).join() === 'Payments API,Customer portal,Web shop')
      await at.save('Public')
      const { data } = await world.backend.rest('GET', '/api/config/groups/group-1')
      assert.deepEqual(data.serverIds, ['server-002', 'server-003', 'server-001'])
    },
  },
  {
    name: 'groups: ordered by dragging in the sidebar, saved at once',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      const grip = (name) => world.page.getByRole('button', { name: `Move ${name}`, exact: true })
      await grip('Public').waitFor()
      await drag(world.page, grip('Infrastructure'), grip('Public'), false)
      await eventually('the order is saved', async () => (await arrangement(world.backend)).join() === 'Infrastructure 1.1,Public 1.2')
      await at.notice('Infrastructure is now in row 1, position 1')
      assert.deepEqual(await at.rows(), ['Row 1', 'Infrastructure', 'Public'])
    },
  },
  {
    name: 'groups: an order that meets another one is taken back and said',
    only: 'mock',
    run: async (world) => {
      const at = config(world)
      await at.goto()
      await at.item('Groups', 'Public').focus()
      // Behind the page's back: no event tells of it.
      world.backend.api.groups = world.backend.api.groups.map((group) => ({ ...group, name: `${group.name}!` }))
      await world.page.keyboard.press('Alt+ArrowDown')
      await at.notice('The groups were changed elsewhere')
      await eventually('as it is now', async () => (await at.rows()).join() === 'Row 1,Public!,Infrastructure!')
      await at.item('Groups', 'Public!').focus()
      await world.page.keyboard.press('Alt+ArrowDown')
      await eventually('the second try', async () => (await at.rows()).join() === 'Row 1,Infrastructure!,Public!')
    },
  },
]
