import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createHash } from 'node:crypto'
import {
  createPostgresDatabase,
  makeTemporaryDirectory,
  startServerProcess,
  type ServerProcess,
} from '@hotpatch/testkit'
import { anApk, anIpa } from '@hotpatch/testkit/binaries'
import decodeQR from 'qr/decode.js'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const executablePath = process.env.CHROMIUM_PATH
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PASSWORD = 'correct horse battery'
/** Where screenshots go, for whoever wants to look at them. */
const SCREENSHOTS = process.env.HOTPATCH_SCREENSHOTS

const VISITORS = {
  phone: {
    viewport: { width: 360, height: 740 },
    userAgent: 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36',
    own: 'Android',
  },
  desktop: {
    viewport: { width: 1280, height: 900 },
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36',
    own: 'Windows',
  },
}

const DATABASES = [
  { database: 'SQLite', isThere: true },
  { database: 'PostgreSQL', isThere: Boolean(process.env.TEST_POSTGRES_URL) },
]

describe.each(DATABASES)('the install page in Chromium, on $database', ({ database, isThere }) => {
  if (!isThere || !executablePath) return test.skip('needs Chromium and its database', () => undefined)
  let server: ServerProcess
  let directory: string
  let dropDatabase: (() => Promise<void>) | undefined
  let browser: Browser
  let url: string
  const bytes = anApk({ name: 'Shop', version: '1.1.0', versionCode: 11 })
  const exe = Buffer.alloc(400)
  exe.write('MZ')
  exe.writeUInt32LE(64, 60)
  exe.write('PE', 64)

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    const env: Record<string, string> = { HOTPATCH_LOG_LEVEL: 'warn' }
    if (database === 'PostgreSQL') {
      const created = await createPostgresDatabase(process.env.TEST_POSTGRES_URL ?? '')
      dropDatabase = created.drop
      env.DATABASE_URL = created.url
    }
    server = await startServerProcess({ directory, env })
    url = server.url
    const app = { slug: 'demo', name: 'Shop', platforms: ['android', 'ios', 'windows'] }
    expect(await ask('POST', '/apps', app)).toBe(201)
    await publish('shop-1.0.0.apk', anApk({ name: 'Shop' }), {
      platform: 'android',
      version: '1.0.0',
      notes: 'The first one.',
    })
    const notes = '## Changes\n\n* **Faster** search\n* [Help](https://example.com/help)\n\n```\nlong '.concat(
      'line '.repeat(60),
      '\n```',
    )
    await publish('shop-1.1.0.apk', bytes, { platform: 'android', version: '1.1.0', notes })
    await publish('shop.ipa', anIpa({ name: 'Shop' }), { platform: 'ios', version: '1.0.0' })
    await publish('Shop Setup 1.0.0.exe', exe, { platform: 'windows', version: '1.0.0' })
    await open('production', { access: 'open' })
    await open('staging', { access: 'protected', password: PASSWORD })
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ARGUMENTS })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await dropDatabase?.()
    await rm(directory, { recursive: true, force: true })
  })

  /** @returns the status */
  async function ask(method: string, path: string, body: object | Buffer): Promise<number> {
    const isBytes = Buffer.isBuffer(body)
    const headers = {
      authorization: `Bearer ${server.ownerToken}`,
      'content-type': isBytes ? 'application/octet-stream' : 'application/json',
    }
    const sent = isBytes ? new Uint8Array(body) : JSON.stringify(body)
    return (await fetch(`${url}/manage/v1${path}`, { method, headers, body: sent })).status
  }

  async function publish(name: string, file: Buffer, metadata: Record<string, string>) {
    const sha256 = createHash('sha256').update(file).digest('hex')
    const path = `/apps/demo/artifacts/${sha256}?kind=binary&name=${encodeURIComponent(name)}`
    expect(await ask('PUT', path, file)).toBe(200)
    const format = name.slice(name.lastIndexOf('.') + 1)
    const content = { kind: 'binary', files: [{ name, architecture: 'any', format, sha256, sizeBytes: file.length }] }
    expect(await ask('POST', '/apps/demo/releases', { metadata: { ...metadata, content } })).toBe(201)
  }

  async function open(channel: string, body: object) {
    expect(await ask('PUT', `/apps/demo/install-pages/${channel}`, body)).toBe(200)
  }

  /** What the page, the browser and axe complain of. */
  async function lookAt(page: Page, path: string, name: string): Promise<unknown[]> {
    const complaints: unknown[] = []
    page.on('console', (message) => {
      // Being asked for a password is an answer of its own.
      if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`asked for ${request.url()}`)
    })
    await page.goto(url + path)
    if (SCREENSHOTS !== undefined) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true })
    const width = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    )
    if (width > 0) complaints.push(`${width} pixels wider than the screen`)
    complaints.push(...(await violations(page)))
    return complaints
  }

  test.each(Object.entries(VISITORS))(
    'on a %s: its own system first, nothing amiss, and all without a script',
    async (name, visitor) => {
      for (const colorScheme of ['light', 'dark'] as const) {
        const { viewport, userAgent } = visitor
        const context = await browser.newContext({ viewport, userAgent, colorScheme })
        const page = await context.newPage()
        expect(await lookAt(page, '/apps/demo/install', `${name}-${colorScheme}`)).toEqual([])
        const first = page.locator('section').first()
        expect(await first.getByRole('heading').textContent()).toBe(`${visitor.own} (this device)`)
        expect(await page.evaluate<number>("document.querySelector('header img').naturalWidth")).toBeGreaterThan(0)
        expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Shop')
        expect(await page.getByText('The first one.').isVisible()).toBe(true)
        const button = await first.locator('a.button').boundingBox()
        expect(button?.height).toBeGreaterThanOrEqual(44)
        await context.close()
      }
    },
  )

  test('the button downloads the file, whole and under its name', async () => {
    const { viewport, userAgent } = VISITORS.phone
    const context = await browser.newContext({ viewport, userAgent, javaScriptEnabled: false, acceptDownloads: true })
    const page = await context.newPage()
    await page.goto(`${url}/apps/demo/install`)
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a.button').first().click()])
    expect(download.suggestedFilename()).toBe('shop-1.1.0.apk')
    expect(readFileSync(await download.path())).toEqual(bytes)
    await context.close()
  })

  test('the QR code is of the address of the page', async () => {
    const page = await browser.newPage()
    await page.goto(`${url}/apps/demo/install`)
    const path = await page.locator('.code path').getAttribute('d')
    expect(decodeQR(drawn(path ?? ''))).toBe(`${url}/apps/demo/install/production`)
    await page.close()
  })

  test('a protected page asks, refuses, and lets in, without a script', async () => {
    const context = await browser.newContext({ viewport: VISITORS.phone.viewport })
    const page = await context.newPage()
    expect(await lookAt(page, '/apps/demo/install/staging', 'password')).toEqual([])
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button').click()
    expect(await page.getByRole('alert').textContent()).toBe('That is not the password.')
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button').click()
    await page.getByRole('heading', { name: 'Shop' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/apps/demo/install/staging')
    expect(await page.getByText('There is nothing to install yet.').isVisible()).toBe(true)
    await context.close()
  })
})

/** What axe has to say; the page's policy binds the page, not whoever drives the browser. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return page.evaluate<string[]>(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))",
  )
}

/** A picture of the modules of a QR code, each of them 8 pixels wide, from the path that draws them. */
function drawn(path: string): { width: number; height: number; data: Uint8Array } {
  const modules: [number, number, number][] = []
  let x = 0
  let y = 0
  for (const [, command, first = '0', second = '0'] of path.matchAll(/([MmhHvVZz])(-?[\d.]+)?[ ,]?(-?[\d.]+)?/g)) {
    if (command === 'M') [x, y] = [Number(first), Number(second)]
    if (command === 'm') [x, y] = [x + Number(first), y + Number(second)]
    if (command === 'h' && Number(first) > 0) modules.push([x, y, Number(first)])
  }
  const size = Math.max(...modules.map(([left]) => left)) + 4
  const data = new Uint8Array(size * 8 * size * 8 * 4).fill(255)
  for (const [left, top] of modules) {
    for (let row = top * 8; row < top * 8 + 8; row += 1) {
      for (let column = left * 8; column < left * 8 + 8; column += 1) {
        data.set([0, 0, 0, 255], (row * size * 8 + column) * 4)
      }
    }
  }
  return { width: size * 8, height: size * 8, data }
}
