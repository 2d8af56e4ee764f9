import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createManagementClient, type App, type ManagementClient } from '@hotpatch/api'
import { createFleet, type Fleet, type FleetOptions } from '@hotpatch/simulator'
import { nodeFleetPorts, realTimePace } from '@hotpatch/simulator/node'
import { startTestServer, type TestServer } from '@hotpatch/testkit'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { expect } from 'vitest'

const BUILD = fileURLToPath(new URL('../../scripts/console-pages.mjs', import.meta.url))
export const executablePath = process.env.CHROMIUM_PATH ?? ''
// A browser that looks nowhere but at the page.
export const ARGUMENTS = [
  ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ['--disable-background-networking', '--disable-component-update'],
].flat()

export const DESK = { width: 1280, height: 860 }
export const PHONE = { width: 390, height: 844 }

export interface Account {
  email: string
  password: string
}
export const OWNER = { email: 'owner@example.com', name: 'Olivia Owner', password: 'correct horse battery' }

/** Nothing of a test leaves the machine: webhooks go no further, and issuers are here. */
const WITHIN = {
  HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.1/32',
  HOTPATCH_ISSUER_ALLOW_PRIVATE: '127.0.0.1/32',
}

/** A real server with the console that was built, and a browser: one of each for a file of stories. */
export interface Console {
  url: string
  /** As the owner. */
  api: ManagementClient
  server: TestServer
  browser: Browser
  /** A window of its own, in which somebody is signed in: the owner, or another person; null: nobody. */
  openPage(options?: { as?: Account | null; viewport?: typeof DESK; colorScheme?: 'light' | 'dark' }): Promise<Page>
  /** Simulated devices with the real engine, in real time, until the console is closed. */
  startFleet(app: App, options?: Partial<FleetOptions>): Fleet
  close(): Promise<void>
}

/** Unless it is of what is there now. */
export async function buildConsole(): Promise<void> {
  await promisify(execFile)(process.execPath, [BUILD])
}

/**
 * @param options.hasOwner false: as at the first start, when nobody has an account
 * @param options.visits origins that pages may lead to, such as that of an issuer
 */
export async function openConsole({
  env = {},
  hasOwner = true,
  visits = [],
}: { env?: Record<string, string>; hasOwner?: boolean; visits?: readonly string[] } = {}): Promise<Console> {
  await buildConsole()
  const server = await startTestServer({
    clock: { now: () => Date.now() },
    onFile: true,
    env: { HOTPATCH_AUTOMATION_SECONDS: '0.5', ...WITHIN, ...env },
  })
  const url = await server.listen()
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS })
  const api = createManagementClient({ url, token: server.ownerToken })
  const end = new AbortController()
  const lives: Promise<unknown>[] = []
  const complaints: string[] = []

  if (hasOwner) await makeOwner(server)

  async function openPage({
    as = OWNER,
    viewport = DESK,
    colorScheme = 'light',
  }: Parameters<Console['openPage']>[0] = {}): Promise<Page> {
    const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce', locale: 'en-GB' })
    // On a machine that is busy what is waited for may be late.
    context.setDefaultTimeout(120_000)
    if (as !== null) await signIn(context, url, as)
    await listen(context, [url, ...visits], complaints)
    return context.newPage()
  }

  function startFleet(app: App, options: Partial<FleetOptions> = {}): Fleet {
    const fleet = createFleet({
      ...nodeFleetPorts(),
      devices: 20,
      seed: 'console',
      app,
      serverUrl: url,
      channel: 'production',
      platforms: ['android'],
      publicKeys: [],
      startAt: Date.now(),
      profile: { checkIntervalMs: 1_000, jitter: 0.5, confirmMs: [20, 50], reopenMs: [100, 300] },
      ...options,
    })
    lives.push(fleet.run({ durationMs: 600_000, pace: realTimePace(1, end.signal), signal: end.signal }))
    return fleet
  }

  async function close(): Promise<void> {
    end.abort()
    await Promise.allSettled(lives)
    await browser.close()
    await server.close()
    expect(complaints).toEqual([])
  }

  return { url, api, server, browser, openPage, startFleet, close }
}

/** As the link does that a first start prints. */
async function makeOwner(server: TestServer): Promise<void> {
  const { status } = await server.request('POST', '/manage/v1/one-time-links/use', {
    token: null,
    headers: {
      'sec-fetch-site': 'same-origin',
      'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    },
    body: { secret: server.firstOwnerSecret, ...OWNER },
  })
  expect(status).toBe(200)
}

/** Its cookies are the context's from then on. */
async function signIn(context: BrowserContext, url: string, { email, password }: Account): Promise<void> {
  const data = { email, password }
  const answer = await context.request.post(`${url}/manage/v1/sign-in`, { data, headers: { origin: url } })
  expect(await answer.json()).toMatchObject({ done: true })
}

/** What no page of ours may do: throw, break its own policy, or ask anybody else. */
async function listen(context: BrowserContext, origins: readonly string[], complaints: string[]): Promise<void> {
  context.on('weberror', (error) => complaints.push(error.error().message))
  context.on('console', (message) => {
    // That an answer was a problem is what stories are about; that a page did something that it may not is not.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      complaints.push(message.text())
    }
  })
  await context.route(
    (address) => !origins.includes(address.origin) && !['data:', 'blob:'].includes(address.protocol),
    (route) => {
      complaints.push(`The page asked for ${route.request().url()}`)
      return route.abort()
    },
  )
}

/** Within the console, without loading it anew. @param address below /dashboard, such as "/apps/demo/releases" */
export async function go(page: Page, address: string): Promise<void> {
  await page.evaluate(
    `history.pushState({}, '', ${JSON.stringify(`/dashboard${address}`)}); dispatchEvent(new PopStateEvent('popstate'))`,
  )
}
