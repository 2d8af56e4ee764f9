import { execFile } from 'node:child_process'
import { cp, readdir, readFile, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { makeTemporaryDirectory } from '@hotpatch/testkit'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeImage, readFiles, setRelease, startImage, takeOutApp } from './capacitor-app.ts'
import { installShell } from './capacitor-shell.ts'

const CHROMIUM = process.env.CHROMIUM_PATH
const isSkipped = process.env.HOTPATCH_CAPACITOR_READY !== '1' || !CHROMIUM

// A browser that looks nowhere but at the page, which may ask this machine as a web view may ask its server.
const ARGUMENTS = [
  ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  ['--disable-features=LocalNetworkAccessChecks'],
].flat()

const RELEASES = [
  { version: '1.0.0', source: "export const headline = 'The first headline'\n" },
  { version: '1.1.0', source: "export const headline = 'The second headline'\n" },
  // It ends before it has said that it works.
  { version: '1.2.0', source: "export const headline = String(Reflect.get(globalThis, 'absent').name)\n" },
  { version: '1.2.1', source: "export const headline = 'The mended headline'\n" },
]

/** Everything is built by the example's own commands; each test goes on where the one before ended. */
describe.skipIf(isSkipped)('the Capacitor example', () => {
  let directory: string
  let app: string
  let browser: Browser
  let server: Awaited<ReturnType<typeof startImage>>
  let shell: Awaited<ReturnType<typeof installShell>>
  let page: Page

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    app = join(directory, 'app')
    await takeOutApp(app)
    for (const release of RELEASES) {
      await setRelease(app, release)
      await npmRun('build')
      await makeImage(app, join(directory, release.version))
      await cp(join(app, 'dist', 'capacitor'), join(directory, 'built', release.version), { recursive: true })
    }
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ARGUMENTS })
    server = await startImage(join(directory, '1.0.0'), { PORT: '0' })
    const files = await readFiles(join(directory, 'built', '1.0.0'))
    shell = await installShell(browser, { files, nativeVersion: '1.0.0' })
  })
  afterAll(async () => {
    await shell?.stop()
    await browser?.close()
    await server?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  async function npmRun(script: string): Promise<void> {
    const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter)
    const { NODE_OPTIONS: _options, NODE_ENV: _mode, ...env } = process.env
    await promisify(execFile)('npm', ['run', script], { cwd: app, env: { ...env, PATH, HOME: directory } })
  }

  /** The image of another version takes the place of the one before, at the same address. */
  async function deploy(version: string): Promise<void> {
    const { port } = server
    expect(await server.stop()).toBe(0)
    server = await startImage(join(directory, version), { PORT: port })
  }

  const headline = () => page.locator('h1')
  const dialog = () => page.getByRole('dialog')
  const runs = async (version: string) => {
    await page.getByText(`This is ${version}`).waitFor()
    await expect.poll(() => shell.disk.registry.get(shell.disk.current)?.status ?? 'success').toBe('success')
  }

  /** The manifest is there, the page has gone on, and did not call for the bundle. */
  async function expectNothingOffered(): Promise<void> {
    await expect.poll(() => shell.calls()).toContain('request')
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
    expect(shell.calls()).not.toContain('download')
    expect(await dialog().count()).toBe(0)
  }

  test('what the Dockerfile runs and copies is there, and nothing of it is left out', async () => {
    const dockerfile = await readFile(join(app, 'Dockerfile'), 'utf8')
    const { scripts } = JSON.parse(await readFile(join(app, 'package.json'), 'utf8')) as { scripts: object }
    const run = [...dockerfile.matchAll(/^RUN npm run (\S+)$/gm)].map(([, name]) => name)
    expect(run).toEqual(['build'])
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(run))
    const ignored = (await readFile(join(app, '.dockerignore'), 'utf8')).split('\n')
    for (const name of await readdir(app)) {
      const isOther = ['node_modules', 'dist', '.github'].includes(name)
      expect({ name, isIgnored: ignored.includes(name) }).toEqual({ name, isIgnored: isOther })
    }
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) => names.split(' '))
    expect(copied).toEqual(['package.json', 'package-lock.json', 'vendor', '.'])
    expect(await readdir(app)).toEqual(expect.arrayContaining(copied.filter((name) => name !== '.')))
  })

  test('the server has the same front end for browsers, without the half that is for apps', async () => {
    const visitor = await browser.newPage()
    const asked: string[] = []
    visitor.on('request', (request) => asked.push(new URL(request.url()).pathname))
    await visitor.goto(`${server.url}/any/page`)
    await visitor.getByText('This is 1.0.0').waitFor()
    expect(await visitor.locator('li').allTextContents()).toEqual(['Buy bread', 'Call Ada', 'Water the plants'])
    expect(asked.filter((path) => path.includes('native'))).toEqual([])
    await visitor.close()
    const scripts = [...(await readFiles(join(directory, '1.0.0', 'dist', 'browser')))].filter(([path]) =>
      path.endsWith('.js'),
    )
    expect(scripts).toHaveLength(1)
    expect(Buffer.from(scripts[0]?.[1] ?? []).toString()).not.toContain('notifyAppReady')
  })

  test('the app asks for the server of its user, and has nothing to ask when that has the same version', async () => {
    page = await shell.coldStart()
    await page.getByLabel('Address of your server').fill(`${server.url}/`)
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText('This is 1.0.0, the server is 1.0.0.').waitFor()
    expect(await headline().textContent()).toBe('The first headline')
    await expectNothingOffered()
    expect(shell.disk.registry.size).toBe(0)
  })

  test('a new version of the server is asked about; "later" leaves everything as it is', async () => {
    await deploy('1.1.0')
    page = await shell.coldStart()
    await dialog().waitFor()
    expect(await dialog().textContent()).toContain('1.1.0')
    await dialog().getByRole('button', { name: 'Later' }).click()
    await dialog().waitFor({ state: 'detached' })
    expect(await headline().textContent()).toBe('The first headline')
  })

  test('it is asked again at the next cold start; "reload now" loads the files of the bundle', async () => {
    page = await shell.coldStart()
    await dialog().getByRole('button', { name: 'Reload now' }).click()
    await runs('1.1.0')
    expect(await headline().textContent()).toBe('The second headline')
    expect(await dialog().count()).toBe(0)
    const current = shell.disk.folders.get(shell.disk.current) ?? new Map<string, Uint8Array>()
    const built = await readFiles(join(directory, 'built', '1.1.0'))
    expect([...current.keys()].toSorted()).toEqual([...built.keys()].toSorted())
    expect(shell.complaints).toEqual([])
  })

  test('a version that does not come up is gone back from, and not offered again', async () => {
    await deploy('1.2.0')
    page = await shell.coldStart()
    await dialog().getByRole('button', { name: 'Reload now' }).click()
    await expect.poll(() => shell.complaints.length).toBe(1)
    expect(await page.locator('main').textContent()).toBe('')
    shell.passReadyTimeout()
    await runs('1.1.0')
    page = await shell.coldStart()
    await runs('1.1.0')
    await expectNothingOffered()
    expect(shell.complaints).toHaveLength(1)
  })

  test('the mended version is taken', async () => {
    await deploy('1.2.1')
    page = await shell.coldStart()
    await dialog().getByRole('button', { name: 'Reload now' }).click()
    await runs('1.2.1')
    expect(await headline().textContent()).toBe('The mended headline')
  })

  test('a server that went back takes the app with it', async () => {
    await deploy('1.1.0')
    page = await shell.coldStart()
    await dialog().getByRole('button', { name: 'Reload now' }).click()
    await runs('1.1.0')
    expect(await headline().textContent()).toBe('The second headline')
  })
})
