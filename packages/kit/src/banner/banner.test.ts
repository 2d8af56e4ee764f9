import { execFileSync } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/kit/checks.json' with { type: 'json' }
import { BANNER_TEXTS, bannerTextsFor, type BannerTexts } from './banner-texts.ts'

// A browser that looks nowhere but at the page.
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const POLICY = "default-src 'none'; script-src 'nonce-n'; connect-src 'self'"
const LINK = 'example-installer://update'

/** Where somebody wants to look at them. */
const SCREENSHOTS = process.env.HOTPATCH_SCREENSHOTS

let browser: Browser
let script: string
beforeAll(async () => {
  // Fails where there is none: a banner that nobody looked at is not tested.
  const executablePath = process.env.CHROMIUM_PATH ?? execFileSync('which', ['chromium']).toString().trim()
  browser = await chromium.launch({ executablePath, args: ARGUMENTS })
  const input = fileURLToPath(new URL('testing/pages/banner-page.ts', import.meta.url))
  const bundle = await rolldown({
    input,
    platform: 'browser',
    logLevel: 'silent',
    transform: { define: { 'process.env.NODE_ENV': '"production"' } },
  })
  const { output } = await bundle.generate({ format: 'iife', codeSplitting: false })
  await bundle.close()
  script = output[0].code
})
afterAll(() => browser.close())

type Name = keyof typeof vectors.manifests

let server: Server
let url: string
let offered: { name: Name; signedBy: 'key' | 'another'; isInHeader: boolean } | undefined
let asked: IncomingMessage[]
let lang: string
let context: BrowserContext
let page: Page
let complaints: string[]

beforeEach(async () => {
  offered = { name: 'next', signedBy: 'key', isInHeader: true }
  asked = []
  lang = 'en'
  complaints = []
  server = createServer(answer)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  page = await newPage()
})
afterEach(async () => {
  await context.close()
  server.closeAllConnections()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  expect(complaints).toEqual([])
})

async function newPage(): Promise<Page> {
  const made = await context.newPage()
  made.on('pageerror', (error) => complaints.push(error.message))
  made.on('console', (message) => {
    if (/Content Security Policy|Refused/.test(message.text())) complaints.push(message.text())
  })
  return made
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? ''
  if (path === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY })
    const code = script.replaceAll('</script', '<\\/script')
    response.end(
      `<!doctype html><html lang="${lang}"><head><title>App</title><meta name="viewport" content="width=device-width"></head>` +
        `<body><main><h1>The app</h1><button id="behind">Behind</button></main><script nonce="n">${code}</script></body></html>`,
    )
    return
  }
  if (!path.startsWith('/personal-kit/')) {
    response.writeHead(404).end()
    return
  }
  asked.push(request)
  if (!offered) {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"code":"nothing-published"}')
    return
  }
  const { text, signature, signatureOfAnother } = vectors.manifests[offered.name]
  const value = offered.signedBy === 'key' ? signature : signatureOfAnother
  if (path.endsWith('.sig')) {
    response.writeHead(200).end(JSON.stringify({ signatures: [{ scheme: 'ed25519', keyId: 'x', value }] }))
    return
  }
  response.writeHead(200, offered.isInHeader ? { 'kit-signature': `ed25519;keyid="x";sig="${value}"` } : {}).end(text)
}

const FACTS = { installed: vectors.installed, appId: vectors.appId, publicKey: vectors.publicKey }

/** A page of a strict policy, with the banner of an application that has just checked. */
async function open(options: { locale?: string; texts?: Partial<BannerTexts>; installerLink?: string } = {}) {
  await page.goto(url)
  return page.evaluate(
    async ({ facts, options }) => {
      const checks = window.kit.create(facts)
      window.kit.mount(options)
      const { kind } = await checks.check()
      return kind
    },
    { facts: FACTS, options: { installerLink: LINK, ...options } },
  )
}

const banner = () => page.locator('hotpatch-kit-banner')
const button = (name: string) => banner().getByRole('button', { name, exact: true })
const isShown = () => banner().locator('section').isVisible()

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
  await page.screenshot({ path: `${SCREENSHOTS}/kit-${name}.png` })
}

describe('texts', () => {
  test('every language fills in the same, and leaves nothing out', () => {
    const filled = (text: string) => text.match(/\{\w+\}/g)?.toSorted()
    for (const name of Object.keys(BANNER_TEXTS.en) as (keyof BannerTexts)[]) {
      for (const language of ['es', 'fr'] as const) {
        expect(filled(BANNER_TEXTS[language][name])).toEqual(filled(BANNER_TEXTS.en[name]))
        expect(BANNER_TEXTS[language][name]).not.toBe('')
      }
    }
    expect(bannerTextsFor('es-MX')).toEqual(BANNER_TEXTS.es)
    expect(bannerTextsFor('de')).toEqual(BANNER_TEXTS.en)
  })
})

test('says what can be installed, is accessible, and takes nobody away from what they do', async () => {
  await page.goto(url)
  await page.locator('#behind').focus()
  await page.evaluate(async (facts) => {
    window.kit.create(facts)
    window.kit.mount({ installerLink: 'example-installer://update' })
    await window.kit.checks.check()
  }, FACTS)
  expect(await banner().ariaSnapshot()).toBe(
    [
      '- region "Update available":',
      '  - status:',
      '    - heading "Update available" [level=2]',
      '    - paragraph: Release 2026.06.02 can be installed.',
      '  - button "Close"',
      '  - button "Remind me in 7 days"',
      '  - button "Details"',
      '  - link "Open the installer":',
      '    - /url: example-installer://update',
    ].join('\n'),
  )
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('behind')
  await page.locator('#behind').click()
  await expectAccessible()
  await look('available')
})

test('details say what changes, by keys as well', async () => {
  offered = { name: 'breaking', signedBy: 'key', isInHeader: true }
  expect(await open()).toBe('update_required')
  await button('Details').focus()
  await page.keyboard.press('Enter')
  expect(await button('Details').getAttribute('aria-expanded')).toBe('true')
  expect(await banner().getByRole('listitem').allTextContents()).toEqual(['gateway: 2.0.0 → 2.1.0'])
  expect(await banner().getByText('New settings.').isVisible()).toBe(true)
  expect(await banner().getByText('It needs about 30 seconds of downtime.').isVisible()).toBe(true)
  const focused = () => page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.id)
  expect(await focused()).toBe('toggle')
  await expectAccessible()
  await look('details')
  await page.keyboard.press('Enter')
  expect(await banner().getByRole('listitem').count()).toBe(0)
})

test('what is required is not dismissed, blocks nothing, and is there again on the next page', async () => {
  offered = { name: 'security', signedBy: 'key', isInHeader: true }
  expect(await open()).toBe('update_required')
  expect(await button('Close').count()).toBe(0)
  expect(await button('Remind me in 7 days').count()).toBe(0)
  await button('Details').focus()
  await page.keyboard.press('Escape')
  expect(await isShown()).toBe(true)
  await page.locator('#behind').click()
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('behind')
  await expectAccessible()
  await look('required')
  expect(await open()).toBe('check_skipped')
  expect(await isShown()).toBe(true)
})

test('required, says a stranger: nothing is shown', async () => {
  offered = { name: 'security', signedBy: 'another', isInHeader: true }
  expect(await open()).toBe('check_failed')
  expect(await isShown()).toBe(false)
})

test('one banner in a session, however many pages; another session has its own', async () => {
  await open()
  expect(await isShown()).toBe(true)
  expect(await open()).toBe('check_skipped')
  expect(await isShown()).toBe(false)
  expect(asked).toHaveLength(1)
  page = await newPage()
  expect(await open()).toBe('check_skipped')
  expect(await isShown()).toBe(true)
  expect(asked).toHaveLength(1)
})

test.each(['the button', 'Escape'])('closed by %s it is not put off', async (way) => {
  await open()
  if (way === 'Escape') {
    await button('Details').focus()
    await page.keyboard.press('Escape')
  } else await button('Close').click()
  expect(await isShown()).toBe(false)
  page = await newPage()
  await open()
  expect(await isShown()).toBe(true)
})

test('put off for seven days, in every session, and another release is another matter', async () => {
  await open()
  await button('Remind me in 7 days').click()
  await expect.poll(isShown).toBe(false)
  page = await newPage()
  await open()
  expect(await isShown()).toBe(false)
  offered = { name: 'security', signedBy: 'key', isInHeader: true }
  expect(await page.evaluate(async () => (await window.kit.checks.check({ isAsked: true })).kind)).toBe(
    'update_required',
  )
  expect(await isShown()).toBe(true)
})

test('plain files have their signature beside them', async () => {
  offered = { name: 'next', signedBy: 'key', isInHeader: false }
  expect(await open()).toBe('update_available')
  expect(asked.map((request) => request.url)).toEqual([
    '/personal-kit/stable/latest.json',
    '/personal-kit/stable/latest.json.sig',
  ])
})

test.each(['key', 'another'] as const)('a page without WebCrypto verifies all the same: by %s', async (signedBy) => {
  offered = { name: 'security', signedBy, isInHeader: true }
  await page.addInitScript(() => Object.defineProperty(crypto, 'subtle', { value: undefined }))
  expect(await open()).toBe(signedBy === 'key' ? 'update_required' : 'check_failed')
})

test('a page that may keep nothing asks nobody by itself, and works', async () => {
  await page.addInitScript(() => {
    const refuse = {
      get: () => {
        throw new DOMException('denied', 'SecurityError')
      },
    }
    Object.defineProperty(window, 'localStorage', refuse)
    Object.defineProperty(window, 'sessionStorage', refuse)
  })
  expect(await open()).toBe('check_failed')
  expect(asked).toHaveLength(0)
  expect(await page.evaluate(async () => (await window.kit.checks.check({ isAsked: true })).kind)).toBe(
    'update_available',
  )
  expect(await isShown()).toBe(true)
})

test.each(['es', 'fr'] as const)('speaks %s, as the page does, in the dark on a phone', async (language) => {
  lang = language
  await page.setViewportSize({ width: 360, height: 640 })
  await page.emulateMedia({ colorScheme: 'dark' })
  await open()
  expect(await button(BANNER_TEXTS[language].close).isVisible()).toBe(true)
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
  await expectAccessible()
  await look(`dark-${language}`)
})

test('single sentences are replaced, and nothing of a release is markup', async () => {
  await open({ locale: 'fr', texts: { availableBody: '<b>{release}</b>' } })
  expect(await banner().getByText('<b>2026.06.02</b>').isVisible()).toBe(true)
  expect(await banner().locator('b').count()).toBe(0)
})

test('a link that runs something is refused', async () => {
  await page.goto(url)
  const refused = await page.evaluate((facts) => {
    window.kit.create(facts)
    try {
      window.kit.mount({ installerLink: 'javascript:alert(1)' })
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }, FACTS)
  expect(refused).toMatch(/Expected a link such as/)
})

test('as an element of React, which takes it away again', async () => {
  await page.goto(url)
  await page.evaluate(async (facts) => {
    const checks = window.kit.create(facts)
    const unmount = window.kit.mountInReact('example-installer://update')
    Object.assign(window, { unmount })
    await checks.check()
  }, FACTS)
  await expect.poll(isShown).toBe(true)
  expect(await page.locator('#told').textContent()).toBe('2026.06.02')
  await expectAccessible()
  await button('Remind me in 7 days').click()
  await expect.poll(() => page.locator('#told').textContent()).toBe('nothing')
  expect(await isShown()).toBe(false)
  await page.evaluate(() => (window as unknown as { unmount(): void }).unmount())
  expect(await banner().count()).toBe(0)
})
