import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startBundleServer, type BundleServer } from '../testing/bundle-server.ts'
import { textsFor, TEXTS } from './texts.ts'

// A browser that looks nowhere but at the page.
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const MANIFEST = '/api/v1/native/bundle/manifest'

let browser: Browser
beforeAll(async () => {
  // Fails where there is none: a dialog that nobody looked at is not tested.
  const executablePath = process.env.CHROMIUM_PATH ?? execFileSync('which', ['chromium']).toString().trim()
  browser = await chromium.launch({ executablePath, args: ARGUMENTS })
})
afterAll(() => browser.close())

describe('texts', () => {
  test.each([
    ['es-MX', TEXTS.es],
    ['FR', TEXTS.fr],
    ['de', TEXTS.en],
    ['', TEXTS.en],
    [undefined, TEXTS.en],
  ])('for %s', (locale, texts) => {
    expect(textsFor(locale)).toEqual(texts)
  })

  test('single ones can be replaced', () => {
    expect(textsFor('es', { later: 'Ahora no' })).toEqual({ ...TEXTS.es, later: 'Ahora no' })
  })

  test('every language fills in the same', () => {
    const filled = (text: string) => text.match(/\{\w+\}/g)?.toSorted()
    for (const name of Object.keys(TEXTS.en) as (keyof typeof TEXTS.en)[]) {
      expect(filled(TEXTS.es[name])).toEqual(filled(TEXTS.en[name]))
      expect(filled(TEXTS.fr[name])).toEqual(filled(TEXTS.en[name]))
    }
  })
})

describe.each(['dom', 'react'])('the dialogs, by %s', (kind) => {
  let server: BundleServer
  let script: string
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    const bundle = await rolldown({
      input: fileURLToPath(new URL(`../testing/pages/${kind}-page.ts`, import.meta.url)),
      platform: 'browser',
      transform: { define: { 'process.env.NODE_ENV': '"production"' } },
      logLevel: 'silent',
    })
    const { output } = await bundle.generate({ format: 'iife' })
    await bundle.close()
    script = output[0].code
  })
  beforeEach(async () => {
    server = await startBundleServer()
    complaints = []
    page = await browser.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
  })
  afterEach(async () => {
    await page.close()
    await server.stop()
    expect(complaints).toEqual([])
  })

  /** With the focus on what is behind. */
  async function open(lang = 'en'): Promise<void> {
    server.answerWith('/page', (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(
        `<!doctype html><html lang="${lang}"><body><main><h1>The app</h1><button id="behind">Behind</button></main>` +
          `<script>${script.replaceAll('</script', '<\\/script')}</script></body></html>`,
      )
    })
    await page.goto(`${server.url}/page`)
    await page.locator('#behind').focus()
    await page.evaluate(() => window.app.updater.start())
  }

  const dialog = () => page.getByRole('dialog')
  const button = (name: string) => dialog().getByRole('button', { name })
  const hasFocus = (name: string) => button(name).evaluate((element) => element === document.activeElement)

  test('are named for screen readers, and everything behind is inert', async () => {
    server.serve({ version: '1.1.0' })
    await open()
    expect(await dialog().ariaSnapshot()).toBe(
      [
        '- dialog "Update available":',
        '  - heading "Update available" [level=2]',
        '  - paragraph: Version 1.1.0 is ready. Reload now to use it.',
        '  - status',
        '  - button "Later"',
        '  - button "Reload now"',
      ].join('\n'),
    )
    expect(await dialog().getAttribute('aria-modal')).toBe('true')
    const described = await dialog().getAttribute('aria-describedby')
    expect(await page.locator(`#${described}`).textContent()).toMatch(/1\.1\.0/)
    expect(await page.locator('#behind').evaluate((element) => element.closest('[inert]') !== null)).toBe(true)
    await page.locator('#behind').evaluate((element) => element.focus())
    expect(await hasFocus('Reload now')).toBe(true)
  })

  test('keep the focus', async () => {
    server.serve({ version: '1.1.0' })
    await open()
    expect(await hasFocus('Reload now')).toBe(true)
    for (const [key, name] of [
      ['Tab', 'Later'],
      ['Tab', 'Reload now'],
      ['Shift+Tab', 'Later'],
      ['Shift+Tab', 'Reload now'],
    ] as const) {
      await page.keyboard.press(key)
      expect(await hasFocus(name)).toBe(true)
    }
  })

  test('are closed by Escape, which is "later", and give the focus back', async () => {
    server.serve({ version: '1.1.0' })
    await open()
    await page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
    expect(await page.locator('#behind').evaluate((element) => element === document.activeElement)).toBe(true)
    expect(await page.locator('[inert]').count()).toBe(0)
    expect(await page.evaluate(() => window.app.updater.check())).toMatchObject({ reason: 'asked-already' })
  })

  test('"later" is the same', async () => {
    server.serve({ version: '1.1.0' })
    await open()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await dialog().waitFor({ state: 'detached' })
    expect(await page.evaluate(() => window.app.updater.check())).toMatchObject({ reason: 'asked-already' })
  })

  test('"reload now" switches; meanwhile nothing can be pressed or closed, and the focus stays inside', async () => {
    server.serve({ version: '1.1.0' })
    await open()
    await page.keyboard.press('Enter')
    await dialog().getByRole('status').getByText('Reloading…').waitFor()
    await page.waitForFunction(() => window.app.loads === 1)
    await page.keyboard.press('Escape')
    expect(await dialog().count()).toBe(1)
    expect(await button('Reload now').isDisabled()).toBe(true)
    expect(await dialog().evaluate((element) => element.contains(document.activeElement))).toBe(true)
  })

  test('stay open when the switch failed, say so, and take a second try', async () => {
    server.serve({ version: '1.1.0' })
    await open()
    await page.evaluate(() => window.app.evict())
    await button('Reload now').click()
    await dialog().getByRole('status').getByText('The update could not be applied. Please try again.').waitFor()
    await button('Reload now').click()
    await page.waitForFunction(() => window.app.loads === 1)
  })

  test('speak the language of the page', async () => {
    server.serve({ version: '0.9.0' })
    await open('es-MX')
    await page.getByRole('dialog', { name: 'Actualización disponible' }).waitFor()
    await dialog().getByText('Tu servidor usa la versión 0.9.0. Recarga ahora para usar la misma.').waitFor()
  })

  test('say that the app itself must be updated, and lead to the store', async () => {
    server.serve({ version: '2.0.0', minNativeVersion: '2.0.0' })
    await open('fr')
    await page.getByRole('dialog', { name: 'Mise à jour de l’application requise' }).waitFor()
    await button('Mettre à jour l’application').click()
    expect(await page.locator('body').getAttribute('data-store')).toBe('open')
    await page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
  })

  test('are dark where the system is, and still where it wants that', async () => {
    const look = () =>
      dialog().evaluate((element) => ({
        background: getComputedStyle(element).backgroundColor,
        animation: getComputedStyle(element.parentElement ?? element).animationName,
      }))
    server.serve({ version: '1.1.0' })
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' })
    await open()
    expect(await look()).toEqual({ background: 'rgb(255, 255, 255)', animation: 'hotpatch-in' })
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    expect(await look()).toEqual({ background: 'rgb(43, 43, 48)', animation: 'none' })
    await page.evaluate(() => document.documentElement.style.setProperty('--hotpatch-background', 'rgb(1, 2, 3)'))
    expect(await look()).toMatchObject({ background: 'rgb(1, 2, 3)' })
  })

  test('fit a small screen', async () => {
    server.serve({ version: '1.1.0' })
    await page.setViewportSize({ width: 320, height: 480 })
    await open('fr')
    const box = await dialog().boundingBox()
    expect(box?.x).toBeGreaterThanOrEqual(16)
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(304)
    expect(server.seen(MANIFEST)).toHaveLength(1)
  })
})
