import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import { chromium, type Browser, type Page } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startFileServer, type FileServer } from '../testing/file-server.ts'
import { formatSize } from '@hotpatch/update-elements'
import { textsFor, TEXTS, type Texts } from './texts.ts'

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
    ['es-MX', TEXTS.es],
    ['FR', TEXTS.fr],
    ['de', TEXTS.en],
    [undefined, TEXTS.en],
  ])('for %s', (locale, texts) => expect(textsFor(locale)).toEqual(texts))

  test('every language fills in the same, and leaves nothing out', () => {
    const filled = (text: string) => text.match(/\{\w+\}/g)?.toSorted()
    for (const name of Object.keys(TEXTS.en) as (keyof Texts)[]) {
      for (const language of ['es', 'fr'] as const) {
        expect(filled(TEXTS[language][name])).toEqual(filled(TEXTS.en[name]))
        expect(TEXTS[language][name]).not.toBe('')
      }
    }
  })

  test('sizes are as people of that language write them', () => {
    expect(formatSize(20_971_520, 'en')).toBe('21 MB')
    expect(formatSize(1_260_000, 'es')).toBe('1,3 MB')
    expect(formatSize(1_500, 'no locale')).toBe('1.5 kB')
    expect(formatSize(2.5e9, 'en')).toBe('2.5 GB')
  })
})

let server: FileServer
let page: Page
let complaints: string[]
beforeEach(async () => {
  server = await startFileServer()
  complaints = []
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused/.test(message.text())) complaints.push(message.text())
  })
  offer()
  server.serveFile('/app.apk', FILE)
})
afterEach(async () => {
  await page.close()
  await server.stop()
  expect(complaints).toEqual([])
})

function offer(fields: object = {}): void {
  server.serveJson('/api/updates/check', {
    update_available: true,
    latest_version: '1.1.0+2',
    download_url: `${server.url}/app.apk`,
    file_size: FILE.length,
    checksum: createHash('sha256').update(FILE).digest('hex'),
    release_notes: '• Starts faster\n• <b>Safer</b> than before',
    is_mandatory: false,
    ...fields,
  })
}

/** A page of a strict policy, with the focus on what is behind. */
async function open(lang = 'en'): Promise<void> {
  server.answerWith('/page', (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY })
    response.end(
      `<!doctype html><html lang="${lang}"><head><title>App</title><meta name="viewport" content="width=device-width"></head>` +
        `<body><main><h1>The app</h1><button id="behind">Behind</button></main><script nonce="n">${script.replaceAll('</script', '<\\/script')}</script></body></html>`,
    )
  })
  await page.goto(`${server.url}/page`)
  await page.locator('#behind').focus()
}

async function ask(options: { locale?: string; texts?: Partial<Texts> } = {}): Promise<void> {
  await page.evaluate(async (options) => {
    window.app.mount(window.app.updater, options)
    await window.app.updater.check()
  }, options)
}

/** A download that goes on as far as a test lets it. */
function holdDownload(): { send: (bytes: number) => void; finish: () => void } {
  let held: ServerResponse | undefined
  let sent = 0
  server.answerWith('/app.apk', (_request, response) => {
    response.writeHead(200, { etag: '"v1"', 'content-length': FILE.length })
    response.flushHeaders()
    held = response
  })
  return {
    send(bytes) {
      held?.write(FILE.subarray(sent, sent + bytes))
      sent += bytes
    },
    finish: () => held?.end(FILE.subarray(sent)),
  }
}

const dialog = () => page.locator('hotpatch-update-dialog dialog')
const button = (name: string) => dialog().getByRole('button', { name, exact: true })
const focused = () =>
  page.evaluate(() => {
    const inner = document.activeElement?.shadowRoot?.activeElement ?? document.activeElement
    return inner?.tagName === 'BUTTON' ? inner.textContent : inner?.tagName.toLowerCase()
  })
const kind = () => page.evaluate(() => window.app.updater.state().kind)
const isOpen = () => dialog().evaluate((element: HTMLDialogElement) => element.open)

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
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png` })
}

test('the question is named, described, accessible, and the only thing that keys reach', async () => {
  await open()
  await ask()
  expect(await dialog().ariaSnapshot()).toBe(
    [
      '- dialog "Update available":',
      '  - heading "Update available" [level=2]',
      '  - status: Version 1.1.0+2 can be installed. The download is 600 kB.',
      '  - region "What is new":',
      '    - heading "What is new" [level=3]',
      '    - paragraph: • Starts faster • <b>Safer</b> than before',
      '  - button "Later"',
      '  - button "Update now"',
    ].join('\n'),
  )
  expect(await focused()).toBe('Update now')
  for (const [key, expected] of [
    ['Tab', 'section'],
    ['Tab', 'Later'],
    ['Tab', 'Update now'],
    ['Shift+Tab', 'Later'],
  ] as const) {
    await page.keyboard.press(key)
    expect(await focused()).toBe(expected)
  }
  await page.locator('#behind').evaluate((element) => element.focus())
  expect(await focused()).toBe('Later')
  await expectAccessible()
  await look('available')
})

test.each(['Escape', 'the button', 'a click beside it'])(
  '"later" by %s closes it, and gives the focus back',
  async (way) => {
    await open()
    await ask()
    if (way === 'Escape') await page.keyboard.press('Escape')
    else if (way === 'the button') await button('Later').click()
    else await page.mouse.click(5, 5)
    expect(await page.evaluate(() => window.app.updater.state())).toMatchObject({ isPostponed: true })
    expect(await isOpen()).toBe(false)
    expect(await focused()).toBe('Behind')
    await page.evaluate(() => window.app.updater.check())
    expect(await isOpen()).toBe(false)
  },
)

describe.each([
  ['by the flag', { is_mandatory: true }],
  ['by the minimum', { min_supported_version: '1.1.0' }],
])('mandatory %s', (_name, fields) => {
  test('is dismissed by nothing', async () => {
    offer(fields)
    await open()
    await ask()
    expect(await dialog().getAttribute('role')).toBe('alertdialog')
    await expect(button('Later').count()).resolves.toBe(0)
    // Browsers let nobody prevent a second one without a click in between.
    for (let time = 0; time < 3; time += 1) await page.keyboard.press('Escape')
    await page.mouse.click(5, 5)
    await page.keyboard.press('Escape')
    await dialog().evaluate((element: HTMLDialogElement) => element.close())
    await expect.poll(isOpen).toBe(true)
    await page.evaluate(() => window.app.updater.later())
    expect(await isOpen()).toBe(true)
    expect(await kind()).toBe('available')
    for (const key of ['Tab', 'Tab', 'Tab', 'Shift+Tab']) {
      await page.keyboard.press(key)
      expect(await focused()).toMatch(/^(section|Update now)$/)
    }
    await expectAccessible()
    await look(`mandatory-${'is_mandatory' in fields ? 'flag' : 'minimum'}`)
  })

  test('nor while it is downloaded, and after that', async () => {
    offer(fields)
    const download = holdDownload()
    await open()
    await ask()
    await button('Update now').click()
    await expect.poll(kind).toBe('downloading')
    expect(await dialog().getByRole('button').count()).toBe(0)
    expect(await focused()).toBe('dialog')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    expect(await isOpen()).toBe(true)
    expect(await focused()).toBe('dialog')
    download.finish()
    await expect.poll(kind).toBe('ready')
    await page.keyboard.press('Escape')
    expect(await isOpen()).toBe(true)
    await button('Install now').click()
    await expect.poll(kind).toBe('handed-over')
    await page.keyboard.press('Escape')
    expect(await isOpen()).toBe(true)
    await look('mandatory-handed-over')
    await button('Open again').click()
    await expect.poll(() => page.evaluate(() => window.app.handedOver.length)).toBe(2)
  })
})

test('progress is shown and said, and the file handed over', async () => {
  const download = holdDownload()
  await open()
  await ask()
  await button('Update now').click()
  await expect.poll(kind).toBe('downloading')
  download.send(300_000)
  await expect
    .poll(() => dialog().locator('progress').getAttribute('aria-valuetext'))
    .toMatch(/^[23]\d\d(\.\d)? kB of 600 kB$/)
  const bar = dialog().getByRole('progressbar', { name: 'Downloaded' })
  expect(await bar.evaluate((element: HTMLProgressElement) => [element.value > 0, element.max])).toEqual([
    true,
    600_000,
  ])
  expect(await focused()).toBe('Continue in background')
  await expectAccessible()
  await look('downloading')
  download.finish()
  await expect.poll(kind).toBe('ready')
  expect(await focused()).toBe('Install now')
  await expectAccessible()
  await look('ready')
  await page.keyboard.press('Enter')
  await expect.poll(() => page.evaluate(() => window.app.handedOver)).toEqual(['update-1.1.0+2.apk'])
  await expect.poll(() => dialog().getByRole('heading').first().textContent()).toBe('Finish the installation')
  await expectAccessible()
  await page.keyboard.press('Escape')
  expect(await isOpen()).toBe(false)
})

test('a download can be left alone, or be stopped', async () => {
  const download = holdDownload()
  await open()
  await ask()
  await button('Update now').click()
  await expect.poll(kind).toBe('downloading')
  await page.keyboard.press('Escape')
  expect(await isOpen()).toBe(false)
  expect(await kind()).toBe('downloading')
  await page.evaluate(() => {
    const element = document.createElement('hotpatch-update-progress')
    element.updater = window.app.updater
    document.querySelector('main')?.append(element)
  })
  const inline = page.locator('hotpatch-update-progress')
  expect(await inline.getByRole('progressbar').isVisible()).toBe(true)
  await expectAccessible()
  await look('inline-progress')
  download.finish()
  // It comes back when there is something to ask.
  await expect.poll(isOpen).toBe(true)
  expect(await inline.isVisible()).toBe(false)

  await page.evaluate(() => window.app.updater.later())
  await open()
  holdDownload()
  await ask()
  await button('Update now').click()
  await expect.poll(kind).toBe('downloading')
  await button('Cancel').click()
  await expect.poll(kind).toBe('available')
  expect(await focused()).toBe('Update now')
})

test('what does not work is said, and tried again', async () => {
  server.serveFile('/app.apk', new Uint8Array(FILE.length).fill(8))
  await open()
  await ask()
  await button('Update now').click()
  await expect.poll(kind).toBe('failed')
  expect(await dialog().getByRole('status').textContent()).toBe(TEXTS.en.failedVerification)
  await expectAccessible()
  await look('failed')
  server.serveFile('/app.apk', FILE)
  await button('Try again').click()
  await expect.poll(kind).toBe('ready')
  await page.evaluate(() => {
    window.app.refuses = true
  })
  await button('Install now').click()
  await expect.poll(kind).toBe('failed')
  expect(await dialog().getByRole('status').textContent()).toBe(TEXTS.en.failedInstaller)
})

test.each([
  ['es', TEXTS.es],
  ['fr', TEXTS.fr],
] as const)('speaks %s, as the page does', async (lang, texts) => {
  await open(lang)
  await ask()
  expect(await button(texts.later).isVisible()).toBe(true)
  expect(await dialog().getByRole('heading').first().textContent()).toBe(texts.availableTitle)
  await look(`available-${lang}`)
})

test('single sentences are replaced, and the language chosen', async () => {
  await open('en')
  await ask({ locale: 'fr', texts: { later: 'Pas maintenant' } })
  expect(await button('Pas maintenant').isVisible()).toBe(true)
  expect(await button(TEXTS.fr.download).isVisible()).toBe(true)
})

test('long notes scroll on a phone, in the dark, and all buttons stay in sight', async () => {
  await page.setViewportSize({ width: 360, height: 640 })
  await page.emulateMedia({ colorScheme: 'dark' })
  const notes = Array.from({ length: 80 }, (_, line) => `Line ${line} ${'word '.repeat(20)}`).join('\n')
  offer({ release_notes: `${'x'.repeat(500)}\n${notes}`, latest_version: '1.1.0+123456789012345' })
  await open()
  await ask()
  const box = await button('Update now').boundingBox()
  expect(box && box.y + box.height).toBeLessThanOrEqual(640)
  expect(await dialog().evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true)
  await expectAccessible()
  await look('phone-dark')
})

test('the changelog lists what changed, and nothing of it is markup', async () => {
  await open()
  await page.evaluate(() => {
    window.app.define()
    const element = document.createElement('hotpatch-changelog')
    element.entries = [
      { version: '1.1.0+2', notes: '<img src=x onerror=alert(1)>\nSafer', publishedAt: '2027-01-31T12:00:00Z' },
      { version: '1.0.0+1', notes: 'The first.' },
    ]
    element.installedVersion = '1.0.0+1'
    const heading = document.createElement('h2')
    heading.textContent = 'Versions'
    document.querySelector('main')?.append(heading, element)
  })
  const changelog = page.locator('hotpatch-changelog')
  expect(await changelog.getByRole('listitem').count()).toBe(2)
  expect(await changelog.locator('img').count()).toBe(0)
  expect(await changelog.getByText('Published on January 31, 2027').count()).toBe(1)
  expect(await changelog.getByRole('heading', { name: '1.0.0+1 Installed' }).count()).toBe(1)
  await expectAccessible()
  await look('changelog')
  await page.evaluate(() => {
    const element = document.querySelector('hotpatch-changelog')
    if (element) element.entries = []
  })
  expect(await changelog.getByText(TEXTS.en.changelogEmpty).count()).toBe(1)
})

test('taken out of the page it is closed, follows nothing, and comes back with it', async () => {
  await open()
  await ask()
  await page.evaluate(() => {
    const element = document.querySelector('hotpatch-update-dialog')
    element?.remove()
    Object.assign(window, { kept: element })
  })
  expect(await focused()).toBe('Behind')
  await page.evaluate(() => document.body.append((window as unknown as { kept: Element }).kept))
  expect(await isOpen()).toBe(true)
})
