// Pictures of both pages for a person to look at: empty, with 6 and with 60 servers, light and dark, desk and phone.
import { startMock } from '../mock/server.mjs'
import { desk, open, phone } from './browser.mjs'

const views = [
  ['dashboard', '/', 'main article, main img'],
  ['config', '/config', 'main h1'],
  ['server', '/config#server/server-002', 'form'],
  ['group', '/config#group/group-1', 'form'],
]

async function shoot(page, base, folder, prefix, size) {
  for (const [name, path, ready] of views) {
    if (size === 'empty' && path.includes('#')) continue
    await page.goto('about:blank')
    await page.goto(base + path)
    await page.locator(ready).first().waitFor()
    await page.evaluate(() => Promise.all([document.fonts.ready, ...[...document.images].map((image) => image.decode())]))
    await page.screenshot({ path: `${folder}/${size}-${name}-${prefix}.png` })
    if (name === 'dashboard' && size !== 'empty') await page.screenshot({ path: `${folder}/${size}-${name}-${prefix}-whole.png`, fullPage: true })
  }
}

export async function takeScreenshots(browser, folder) {
  for (const size of ['empty', 'few', 'many']) {
    const mock = await startMock({ dist: process.env.DIST, size })
    for (const colorScheme of ['light', 'dark'])
      for (const [device, viewport] of [['desk', desk], ['phone', phone]]) { // prettier-ignore
        const { context, page } = await open(browser, { viewport, colorScheme })
        await shoot(page, mock.base, folder, `${colorScheme}-${device}`, size)
        await context.close()
      }
    await mock.close()
  }
  console.log(`screenshots are in ${folder}`)
}
