// How one handles the configuration page.

export class ConfigPage {
  constructor(page, base) {
    Object.assign(this, { page, base })
  }

  async goto(fragment = '') {
    await this.page.goto(`${this.base}/config${fragment}`)
    await this.page.locator('h1').first().waitFor()
  }

  list(kind) {
    return this.page.getByRole('list', { name: kind, exact: true })
  }

  item(kind, name) {
    return this.list(kind).getByRole('link', { name: new RegExp(`^${name}`) })
  }

  async select(kind, name) {
    await this.item(kind, name).click()
    await this.title(name)
  }

  title(text) {
    return this.page.getByRole('heading', { level: 1, name: text }).waitFor()
  }

  field(name) {
    return this.page.locator(`form [name="${name}"]`)
  }

  async fill(values) {
    for (const [name, value] of Object.entries(values)) await this.field(name).fill(value)
  }

  error(name) {
    return this.field(name).evaluate((input) => {
      const ids = (input.getAttribute('aria-describedby') ?? '').split(' ')
      return ids.map((id) => document.getElementById(id)).find((one) => one?.className.includes('error'))?.textContent ?? ''
    })
  }

  button(name) {
    return this.page.locator('form header').getByRole('button', { name, exact: true })
  }

  async save(name) {
    await this.button('Save').click()
    await this.notice(`${name} is saved`)
  }

  notice(text) {
    return this.page.getByRole('log').getByText(text).last().waitFor()
  }

  dialog(name) {
    return this.page.getByRole('dialog', { name })
  }

  async choose(dialog, answer) {
    await this.dialog(dialog).getByRole('button', { name: answer, exact: true }).click()
    await this.dialog(dialog).waitFor({ state: 'detached' })
  }

  members() {
    return this.page.locator('[data-member] p:first-child').allInnerTexts()
  }

  async addMember(name) {
    await this.page.getByRole('combobox', { name: 'Add a server' }).click()
    await this.page.getByRole('option', { name: new RegExp(`^${name}`) }).click()
  }

  /** The sidebar's groups with their rows. */
  rows() {
    return this.page.evaluate(() => [...document.querySelectorAll('ul[aria-label="Groups"] > li')].map((one) => one.querySelector('a > span')?.textContent ?? one.textContent).filter(Boolean))
  }
}
