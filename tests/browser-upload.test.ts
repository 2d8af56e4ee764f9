import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { makeTemporaryDirectory, startServerProcess, type ServerProcess } from '@hotpatch/testkit'
import { chromium, type Browser, type Page } from 'playwright-core'
import type * as Tus from 'tus-js-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const executablePath = process.env.CHROMIUM_PATH
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']
const TUS = createRequire(import.meta.url).resolve('tus-js-client/dist/tus.min.js')
const MEGABYTE = 1_000_000
const MEGABYTES = 40

/** What the page makes as well: an AppImage's head, and then the same bytes again and again. */
const HEAD = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0x41, 0x49, 2]
const BLOCK = Array.from({ length: 256 }, (_, index) => index)
const block = Buffer.from(BLOCK)
const whole = Buffer.concat([Buffer.from(HEAD), Buffer.alloc(0x35), Buffer.alloc(MEGABYTES * MEGABYTE, block)])
const sha256 = createHash('sha256').update(whole).digest('hex')

interface Outcome {
  /** Of the server's answer to what failed. */
  status?: number
  problem?: unknown
  /** How many bytes the server had when it went on. */
  wentOnAt?: number
}

describe('a file of a whole app from a page of the server, by tus-js-client in Chromium', () => {
  if (!executablePath) return test.skip('needs Chromium', () => undefined)
  let server: ServerProcess
  let directory: string
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    server = await startServerProcess({ directory, env: { HOTPATCH_LOG_LEVEL: 'warn' } })
    const created = await manage('POST', '/apps', { slug: 'shop', platforms: ['linux'] })
    expect(created.status).toBe(201)
    browser = await chromium.launch({ executablePath, args: ARGUMENTS })
    page = await browser.newPage()
    // As a console's page would be: of the server's own origin.
    const at = `${server.url}/test-page.html`
    await page.route(at, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>t</title>' }),
    )
    await page.goto(at)
    await page.addScriptTag({ content: await readFile(TUS, 'utf8') })
  })
  afterAll(async () => {
    await browser.close()
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const manage = (method: string, path: string, body?: object) =>
    fetch(`${server.url}/manage/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${server.ownerToken}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })

  /** @param pauseAfter stops once when so many bytes are said to have been sent, and goes on */
  function upload({
    token = server.ownerToken,
    digest = sha256,
    app = 'shop',
    pauseAfter = Infinity,
  }): Promise<Outcome> {
    const asked = { token, digest, app, pauseAfter, head: HEAD, block: BLOCK, bytes: whole.length }
    return page.evaluate(uploadInPage, asked)
  }

  test('arrives whole, paused in the middle and gone on with where the server is', async () => {
    const { wentOnAt, status } = await upload({ pauseAfter: 12 * MEGABYTE })
    expect(status).toBeUndefined()
    expect(wentOnAt).toBeGreaterThan(0)
    expect(wentOnAt).toBeLessThan(whole.length)
    const found = await manage('GET', `/apps/shop/artifacts/${sha256}?kind=binary`)
    expect(await found.json()).toMatchObject({ kind: 'binary', sha256, sizeBytes: whole.length, format: 'appimage' })
    const served = await fetch(`${server.url}/artifacts/${sha256}`)
    expect(
      createHash('sha256')
        .update(Buffer.from(await served.arrayBuffer()))
        .digest('hex'),
    ).toBe(sha256)
  })

  test.each([
    ['a token that nobody has', { token: 'hpt_nobody' }, 401, 'token-invalid'],
    ['an app that is not there', { app: 'nowhere' }, 404, 'app-not-found'],
    ['bytes that are not what they were said to be', { digest: 'a'.repeat(64) }, 422, 'hash-mismatch'],
  ])('a page can read why it is refused: %s', async (_case, changes, status, type) => {
    const outcome = await upload(changes)
    expect(outcome).toMatchObject({ status, problem: { type: expect.stringContaining(type), status } })
  })

  test('a page of somebody else reads nothing of it', async () => {
    const other = await browser.newPage()
    await other.route('http://elsewhere.test/**', (route) => route.fulfill({ contentType: 'text/html', body: '' }))
    await other.goto('http://elsewhere.test/')
    const read = (url: string) => fetch(`${url}/manage/v1/apps`, { method: 'GET' }).then(() => 'read', String)
    expect(await other.evaluate(read, server.url)).toContain('Failed to fetch')
  })
})

/** Runs in the page. */
function uploadInPage(asked: {
  token: string
  digest: string
  app: string
  pauseAfter: number
  head: readonly number[]
  block: readonly number[]
  bytes: number
}): Promise<Outcome> {
  const bytes = new Uint8Array(asked.bytes)
  bytes.set(asked.head)
  for (let at = 0x40; at < bytes.length; at += 1) bytes[at] = asked.block[(at - 0x40) % asked.block.length] ?? 0
  const { tus } = globalThis as unknown as { tus: typeof Tus }
  return new Promise((resolve) => {
    let wentOnAt: number | undefined
    let isPaused = false
    const upload = new tus.Upload(new Blob([bytes]), {
      endpoint: `/manage/v1/apps/${asked.app}/uploads`,
      chunkSize: 4_000_000,
      retryDelays: null,
      headers: { authorization: `Bearer ${asked.token}` },
      metadata: { sha256: asked.digest, kind: 'binary', filename: 'Shop.AppImage' },
      onProgress(sent) {
        if (isPaused || sent < asked.pauseAfter) return
        isPaused = true
        void upload.abort().then(() => upload.start())
      },
      onAfterResponse(request, response) {
        if (request.getMethod() === 'HEAD') wentOnAt = Number(response.getHeader('upload-offset'))
      },
      onSuccess: () => resolve({ ...(wentOnAt !== undefined && { wentOnAt }) }),
      onError(error) {
        const response = 'originalResponse' in error ? error.originalResponse : null
        const text = response?.getBody() ?? ''
        resolve({ status: response?.getStatus() ?? 0, problem: text.startsWith('{') ? JSON.parse(text) : text })
      },
    })
    upload.start()
  })
}
