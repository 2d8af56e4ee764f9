import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { chromium, type Browser, type Page } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sha256Of, startAssetServer, type AssetServer, type TestUpdate } from '../testing/asset-server.ts'
import { OTA_TEXTS, otaTextsFor, type OTATexts } from './texts.ts'

// A browser that looks nowhere but at the page.
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const FILE = new Uint8Array(600_000).fill(7)
const POLICY = "default-src 'none'; script-src 'nonce-n'; connect-src 'self'"

/** Where somebody wants to look at them. */
const SCREENSHOTS = process.env.HOTPATCH_SCREENSHOTS

let browser: Browser
let script: string
beforeAll(async () => {
  // Fails where there is none: a dialog that nobody looked at is not tested.
  const executablePath = process.env.CHROMIUM_PATH ?? execFileSync('which', ['chromium']).toString().trim()
  browser = await chromium.launch({ executablePath, args: ARGUMENTS })
  const input = fileURLToPath(new URL('../testing/pages/ui-page.ts', import.meta.url))
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'silent' })
  const { output } = await bundle.generate({ format: 'iife' })
  await bundle.close()
  script = output[0].code
})
afterAll(() => browser.close())

describe('texts', () => {
  test.each([
    ['es-MX', OTA_TEXTS.es],
    ['FR', OTA_TEXTS.fr],
    ['de', OTA_TEXTS.en],
    ['toString', OTA_TEXTS.en],
    [undefined, OTA_TEXTS.en],
  ])('for %s', (locale, texts) => expect(otaTextsFor(locale)).toEqual(texts))

  test('every language fills in the same, and leaves nothing out', () => {
    const filled = (text: string) => text.match(/\{\w+\}/g)?.toSorted()
    for (const name of Object.keys(OTA_TEXTS.en) as (keyof OTATexts)[]) {
      for (const language of ['es', 'fr'] as const) {
        expect(filled(OTA_TEXTS[language][name])).toEqual(filled(OTA_TEXTS.en[name]))
        expect(OTA_TEXTS[language][name]).not.toBe('')
      }
    }
  })
})

let server: AssetServer
let update: TestUpdate
let page: Page
let complaints: string[]
let held: ServerResponse | undefined
beforeEach(async () => {
  server = await startAssetServer()
  update = server.publish('1.1.0', 1, { 'index.html': '<h1>new</h1>', 'big.bin': FILE })
  server.target = update
  held = undefined
  complaints = []
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused/.test(message.text())) complaints.push(message.text())
  })
})
afterEach(async () => {
  await page.close()
  await server.stop()
  expect(complaints).toEqual([])
})

/** A page of a strict policy, with the focus on what is behind; the large file waits until a test lets it come. */
async function open(options: { lang?: string; holds?: boolean; colorScheme?: 'light' | 'dark' } = {}): Promise<void> {
  const { lang = 'en', holds = false, colorScheme = 'light' } = options
  server.intercept = ({ url }, response) => {
    if (url === '/page') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY })
      response.end(
        `<!doctype html><html lang="${lang}"><head><title>App</title><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"></head>` +
          `<body><main><h1>The app</h1><button id="behind">Behind</button></main><script nonce="n">${script.replaceAll('</script', '<\\/script')}</script></body></html>`,
      )
      return true
    }
    if (!holds || url !== `/artifacts/${sha256Of(FILE)}`) return false
    response.writeHead(200, { etag: '"v1"', 'content-length': FILE.length })
    response.write(FILE.subarray(0, 300_000))
    held = response
    return true
  }
  await page.emulateMedia({ colorScheme })
  await page.goto(`${server.url}/page`)
  await page.locator('#behind').focus()
  await page.evaluate(() => window.app.boot())
}

const mount = (options: { locale?: string; texts?: Partial<OTATexts> } = {}) =>
  page.evaluate((options) => void window.app.mount(window.app.manager, options), options)

const dialog = (part: string) => page.locator(`hotpatch-ota-${part} dialog`)
const button = (name: string) => page.getByRole('button', { name, exact: true })
const notice = () => page.locator('hotpatch-ota-notice .notice')
const kind = () => page.evaluate(() => window.app.manager.state().kind)
const focused = () => page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent)

async function expectAccessible(): Promise<void> {
  // Not by an element of the page, which its policy would refuse.
  await page.evaluate(axe.source)
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const found = await axe.run()
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  })
  expect(violations).toEqual([])
}

async function look(name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return
  mkdirSync(SCREENSHOTS, { recursive: true })
  await page.screenshot({ path: `${SCREENSHOTS}/ota-${name}.png` })
}

describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
  test('from the question to the restart, accessible all the way', async () => {
    await open({ holds: true, colorScheme })
    await mount()
    await dialog('available').waitFor()
    await expect.poll(focused).toBe('Update now')
    expect(await dialog('available').textContent()).toContain('• <b>Nothing</b> is markup')
    await expectAccessible()
    await look(`available-${colorScheme}`)
    await button('Update now').click()
    await expect.poll(() => dialog('progress').locator('progress').getAttribute('value')).toMatch(/^[23]\d{5}$/)
    expect(await dialog('progress').textContent()).toContain('600')
    await expectAccessible()
    await look(`progress-${colorScheme}`)
    held?.end(FILE.subarray(300_000))
    await dialog('ready').waitFor()
    await expectAccessible()
    await look(`ready-${colorScheme}`)
    await button('Restart now').click()
    await expect.poll(() => page.evaluate(() => window.app.restarts)).toBe(1)
  })

  test('a failure says what went wrong, and how to go on', async () => {
    await open({ colorScheme })
    const answer = server.intercept
    server.intercept = (request, response) => {
      if (request.url !== `/artifacts/${sha256Of(FILE)}`) return answer(request, response)
      response.writeHead(404).end()
      return true
    }
    await mount()
    await button('Update now').click()
    await notice().waitFor()
    expect(await notice().getByRole('alert').textContent()).toBe(
      'Version 1.1.0 could not be downloaded. Check your connection and try again.',
    )
    await expectAccessible()
    await look(`failed-${colorScheme}`)
    server.intercept = answer
    await button('Try again').click()
    await dialog('ready').waitFor()
    expect(await notice().count()).toBe(0)
  })

  test('an update that proved itself is told of, once', async () => {
    await open({ colorScheme })
    await page.evaluate(async () => {
      const { app } = window
      await app.manager.checkForUpdate()
      await app.manager.downloadAndInstallUpdate()
      await app.boot()
    })
    await mount()
    await page.evaluate(() => window.app.manager.confirm())
    await notice().waitFor()
    expect(await notice().getByRole('status').textContent()).toBe('The app was updated to version 1.1.0.')
    await expectAccessible()
    await look(`applied-${colorScheme}`)
    await button('Close').click()
    expect(await notice().count()).toBe(0)
    await page.evaluate(() => window.app.manager.checkForUpdate())
    expect(await notice().count()).toBe(0)
  })
})

test('later closes it until there is another update', async () => {
  await open()
  await mount()
  await button('Later').click()
  await dialog('available').waitFor({ state: 'hidden' })
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('behind')
  await page.evaluate(() => window.app.manager.checkForUpdate())
  expect(await dialog('available').isVisible()).toBe(false)
  server.target = server.publish('1.2.0', 2, { 'index.html': 'newer' })
  await page.evaluate(() => window.app.manager.checkForUpdate())
  await dialog('available').waitFor()
  await page.keyboard.press('Escape')
  await dialog('available').waitFor({ state: 'hidden' })
  await expect.poll(kind).toBe('available')
})

test('what is mandatory has no later, and nothing closes it', async () => {
  server.isMandatory = true
  await open({ holds: true })
  await mount()
  await dialog('available').waitFor()
  for (let times = 0; times < 2; times += 1) await page.keyboard.press('Escape')
  await page.mouse.click(5, 5)
  expect(await dialog('available').isVisible()).toBe(true)
  expect(await button('Later').count()).toBe(0)
  await expectAccessible()
  await button('Update now').click()
  await dialog('progress').waitFor()
  await page.keyboard.press('Escape')
  expect(await dialog('progress').isVisible()).toBe(true)
  expect(await dialog('progress').getByRole('button').count()).toBe(0)
})

test('a download goes on in the background, and is asked about when it is done', async () => {
  await open({ holds: true })
  await mount()
  await button('Update now').click()
  await button('Continue in background').click()
  await dialog('progress').waitFor({ state: 'hidden' })
  await expect.poll(() => held !== undefined).toBe(true)
  held?.end(FILE.subarray(300_000))
  await dialog('ready').waitFor()
})

test('who cannot be restarted is told what to do', async () => {
  await open()
  await page.evaluate(() => {
    window.app.canRestart = false
  })
  await mount()
  await button('Update now').click()
  await button('Restart now').click()
  const text = 'Close the app and open it again to use version 1.1.0.'
  await expect.poll(() => dialog('ready').textContent()).toContain(text)
  await expectAccessible()
  await button('Close').click()
  await dialog('ready').waitFor({ state: 'hidden' })
})

test('in the language of the page, of the element, or in the app’s own words', async () => {
  await open({ lang: 'fr' })
  await mount()
  await expect.poll(() => dialog('available').textContent()).toContain('Mise à jour disponible')
  await open()
  await mount({ locale: 'es', texts: { download: '¡Vamos!' } })
  await button('¡Vamos!').waitFor()
  expect(await dialog('available').textContent()).toContain('Actualización disponible')
})

test('on a small screen everything can be reached', async () => {
  await page.setViewportSize({ width: 320, height: 480 })
  await open()
  await mount()
  await dialog('available').waitFor()
  const box = await dialog('available').boundingBox()
  expect(box && box.x >= 0 && box.x + box.width <= 320).toBe(true)
  await button('Update now').scrollIntoViewIfNeeded()
  await expectAccessible()
  await look('small')
})

test('the checker asks when it comes into the page, and the background ends with it', async () => {
  await open()
  server.target = null
  const end = await page.evaluateHandle(() => window.app.mount(window.app.manager))
  await expect.poll(() => server.checks.length).toBe(1)
  await page.evaluate((end) => end(), end)
  expect(await page.locator('hotpatch-ota-checker').count()).toBe(0)
  await expect.poll(kind).toBe('up-to-date')
  expect(await page.evaluate(() => document.querySelectorAll('dialog[open]').length)).toBe(0)
})
