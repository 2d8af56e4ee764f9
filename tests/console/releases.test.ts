import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appImage, makeTemporaryDirectory, sha256Of, zipOf } from '@hotpatch/testkit'
import { anApk } from '@hotpatch/testkit/binaries'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropFiles, folderOf } from './drop-files.ts'
import { executablePath, openConsole, type Console } from './open-console.ts'

describe.skipIf(!executablePath)('releases in the console', () => {
  let console: Console
  let page: Page
  let directory: string

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    console = await openConsole()
    await console.api.createApp({ slug: 'shop', name: 'Shop', platforms: ['android', 'linux'] })
    page = await console.openPage()
    page.on('dialog', (dialog) => void dialog.accept())
  })
  afterAll(async () => {
    await console.close()
    await rm(directory, { recursive: true, force: true })
  })

  const open = (path: string) => page.goto(`${console.url}/dashboard/apps/shop${path}`)
  const newest = async () => (await console.api.listReleases('shop', { limit: 1 })).items[0]

  const folder = (name: string, files: Readonly<Record<string, string>>) => folderOf(directory, name, files)
  const drop = (...paths: readonly string[]) => dropFiles(page, ...paths)

  async function publishAs(version: string, platform?: string): Promise<void> {
    await page.getByRole('textbox', { name: 'Version', exact: true }).fill(version)
    if (platform !== undefined) {
      await page.getByRole('combobox', { name: 'Platform' }).click()
      await page.getByRole('option', { name: platform }).click()
    }
    await page.getByRole('button', { name: 'Publish', exact: true }).click()
    await page.getByRole('button', { name: 'Publish now' }).click()
    await page.getByText(`${version} is published`).waitFor()
  }

  test('a dropped folder is zipped in the browser, and reaches devices', async () => {
    const dropped = await folder('dist', {
      'index.android.bundle': 'start()',
      'index.android.bundle.map': 'sources',
      'assets/ä logo.png': 'logo',
      'assets/old.png': 'old',
    })
    await open('/releases')
    await page.getByRole('heading', { name: 'No releases yet' }).waitFor()
    await page.getByRole('link', { name: 'Publish', exact: true }).click()
    await drop(dropped)
    await page.getByText('1 file is left out: index.android.bundle.map').waitFor()
    await page.getByText('Uploaded.').waitFor()
    await publishAs('1.0.0')
    const app = await console.api.getApp('shop')
    expect((await console.server.check(app)).body).toMatchObject({ updateAvailable: true, version: '1.0.0' })
    const { items } = await console.api.listReleaseEntries((await newest())?.id ?? '')
    expect(items.map(({ path }) => path)).toEqual(['assets/old.png', 'assets/ä logo.png', 'index.android.bundle'])
  })

  test('what may be a secret goes nowhere before somebody says that it is meant', async () => {
    const dropped = await folder('leaky', { 'index.android.bundle': 'start()', '.env': 'PASSWORD=1' })
    await open('/releases/publish')
    await drop(dropped)
    await page.getByText('This looks as if it should stay secret').waitFor()
    await page.getByText('.env: environment variables').waitFor()
    await page.getByText('Reading and packing').waitFor()
    await page.getByRole('checkbox', { name: 'These files are meant to be published' }).check()
    await page.getByText('Uploaded.').waitFor()

    await writeFile(join(directory, 'leaky.zip'), await zipOf({ 'index.html': '<p>', 'build/release.p12': 'key' }))
    await open('/releases/publish')
    await drop(join(directory, 'leaky.zip'))
    await page.getByText('build/release.p12: a key store').waitFor()
    await page.getByText('Reading and packing').waitFor()
  })

  test('a zip comes as it is, and its detail says what it has otherwise than the one before', async () => {
    const zip = await zipOf({
      'index.android.bundle': 'start(2)',
      'assets/ä logo.png': 'logo',
      'assets/new.png': 'new',
    })
    await writeFile(join(directory, 'bundle.zip'), zip)
    await open('/releases/publish')
    await drop(join(directory, 'bundle.zip'))
    await page.getByText('Uploaded.').waitFor()
    await publishAs('1.1.0', 'Android')
    expect((await newest())?.content).toMatchObject({ kind: 'archive', sha256: sha256Of(zip) })

    await page.getByRole('link', { name: 'Show the release' }).click()
    await page.getByRole('tab', { name: 'Difference' }).click()
    for (const count of ['1 added', '1 removed', '1 changed', '1 the same']) await page.getByText(count).waitFor()
    const row = (path: string) => page.getByRole('row').filter({ hasText: path })
    await row('assets/new.png').getByText('Added').waitFor()
    await row('assets/old.png').getByText('Removed').waitFor()
    await row('index.android.bundle').getByText('Changed').waitFor()
    await page.getByText('Removed', { exact: true }).first().click()
    await row('assets/new.png').waitFor({ state: 'detached' })
    expect(page.url()).toContain('change=removed')
  })

  test('an upload that breaks off goes on where it was, also when the page was closed meanwhile', async () => {
    const file = join(directory, 'Shop-x86_64.AppImage')
    await writeFile(file, appImage(randomBytes(13_000_000)))
    const sentFrom: string[] = []
    let mayPass = 1
    await page.route('**/uploads/*', async (route) => {
      const request = route.request()
      if (request.method() !== 'PATCH') return route.continue()
      if (mayPass <= 0) return route.abort('connectionreset')
      mayPass -= 1
      sentFrom.push(request.headers()['upload-offset'] ?? '')
      return route.continue()
    })
    await open('/releases/publish?kind=binary')
    await drop(file)
    await page.getByText('The server cannot be reached').waitFor()
    mayPass = 1
    await page.getByText('Uploading: 8.4 MB of 13 MB').waitFor()
    await page.getByText('The server cannot be reached').waitFor()

    await page.reload()
    mayPass = Infinity
    await drop(file)
    await page.getByText('Uploaded.').waitFor()
    expect(sentFrom).toEqual(['0', '4194304', '8388608', '12582912'])
    await page.unroute('**/uploads/*')
    await publishAs('2.0.0')
    expect(await newest()).toMatchObject({ platform: 'linux', content: { files: [{ architecture: 'x64' }] } })
  })

  test('a file of a whole app says its version itself, and what speaks against it has to be accepted', async () => {
    const facts = { id: 'com.example.shop', permissions: [] }
    const apk = async (name: string, more: object) => {
      await writeFile(join(directory, name), anApk({ ...facts, ...more }))
      return join(directory, name)
    }
    await open('/releases/publish?kind=binary')
    await drop(await apk('shop-3.apk', { version: '3.0.0', versionCode: 300 }))
    await expect.poll(() => page.getByRole('textbox', { name: 'Version', exact: true }).inputValue()).toBe('3.0.0+300')
    await publishAs('3.0.0+300')
    await page.getByRole('button', { name: 'Publish another' }).click()
    await drop(await apk('other.apk', { id: 'com.example.other', version: '3.1.0', versionCode: 310 }))
    await page.getByText('It is another app').waitFor()
    expect(await page.getByRole('button', { name: 'Publish', exact: true }).isDisabled()).toBe(true)
    await page.getByRole('checkbox', { name: 'This is meant: accept it' }).check()
    await publishAs('3.1.0+310')

    await open('/app-versions?platform=android')
    await page.getByRole('button', { name: 'Deactivate 3.1.0+310' }).click()
    await page.getByRole('button', { name: 'Deactivate version' }).click()
    await page.getByRole('button', { name: 'Activate 3.1.0+310' }).waitFor()
    expect((await newest())?.inForce).toMatchObject([{ state: 'paused' }])
  })

  test('a publish by a plan, with a guard of its own and for a cohort, foretells whom it reaches', async () => {
    await console.api.createCohort('shop', { name: 'testers', devices: ['tester'] })
    const app = await console.api.getApp('shop')
    for (const deviceId of ['tester', 'other-1', 'other-2']) await console.server.check(app, { deviceId })
    await open('/releases/publish')
    await drop(await folder('planned', { 'index.android.bundle': 'start(planned)' }))
    await page.getByText('Uploaded.').waitFor()
    await page.getByText(/^Reaches \d+ of \d+ known devices/).waitFor()

    await page.getByText('Step by step').click()
    await page.getByRole('group', { name: 'Step 1' }).getByRole('textbox', { name: 'Share' }).fill('0')
    await page.getByRole('button', { name: 'More of whom it is for' }).click()
    await page.getByRole('combobox', { name: 'Cohorts' }).click()
    await page.getByRole('option', { name: 'testers' }).click()
    await page.keyboard.press('Escape')
    await page.getByText(/^Reaches 1 of/).waitFor()
    await page.getByRole('button', { name: 'Guard', exact: true }).click()
    await page.getByRole('combobox', { name: 'When it trips' }).click()
    await page.getByRole('option', { name: 'Roll back' }).click()
    await publishAs('5.0.0')
    const [rollout] = (await console.api.listRollouts('shop', { limit: 1 })).items
    expect(rollout).toMatchObject({ percentage: 0, cohorts: ['testers'], plan: { steps: 4 }, guard: { isOn: true } })
    expect((await console.api.getGuard(rollout?.id ?? '')).settings).toMatchObject({ action: 'roll-back' })
    expect((await console.server.check(app, { deviceId: 'tester' })).body.version).toBe('5.0.0')
    expect((await console.server.check(app, { deviceId: 'other-1' })).body.version).not.toBe('5.0.0')
  })

  test('single files are an update, which is deployed further and rolled back', async () => {
    const dropped = await folder('update', { 'index.html': '<p>1</p>', 'assets/a.js': 'a', 'assets/b.js': 'a' })
    await open('/releases/publish?kind=files')
    await drop(dropped)
    await page.getByText('Uploaded.').waitFor()
    await publishAs('4.0.0', 'Android')
    expect((await newest())?.content).toMatchObject({ kind: 'files', fileCount: 3, launch: 'index.html' })

    await open('/asset-updates')
    await page.getByRole('button', { name: 'Deploy 4.0.0' }).click()
    await page.getByRole('combobox', { name: 'Channel' }).last().click()
    await page.getByRole('option', { name: 'staging' }).last().click()
    await page.getByRole('button', { name: 'Deploy update' }).click()
    await page.getByText('staging · 100%').waitFor()
    await page.getByRole('button', { name: 'Roll back from 4.0.0' }).click()
    await page.getByRole('button', { name: 'Roll back', exact: true }).last().click()
    await page.getByText('goes back to what the binary shipped with').waitFor()
    const { items } = await console.api.listRollouts('shop', { limit: 1 })
    expect(items).toMatchObject([{ target: 'embedded' }])
  })
})
