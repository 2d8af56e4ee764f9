import { readFile } from 'node:fs/promises'
import type { App } from '@hotpatch/api'
import { bundleOf } from '@hotpatch/testkit'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath, openConsole, type Console } from './open-console.ts'
import { writeFleet, type WrittenRelease } from './written-fleet.ts'

const MANY = 100_000
const DAY_MS = 86_400_000

describe.skipIf(!executablePath)('devices and insights', () => {
  let console: Console
  let page: Page

  beforeAll(async () => {
    console = await openConsole()
    page = await console.openPage()
  })
  afterAll(() => console?.close())

  const publish = async (app: App, version: string, more: Record<string, unknown> = {}) =>
    console.server.published(app, { version, bundle: await bundleOf(version), ...more })
  const open = (address: string) => page.goto(`${console.url}/dashboard/apps/${address}`)

  describe('a device that does not get a release', () => {
    const phone = { deviceId: 'the-phone-of-ada', version: '1.0.0', nativeVersion: '1.0.0' }
    let app: App

    beforeAll(async () => {
      app = await console.api.createApp({ slug: 'why', platforms: ['android'] })
      await publish(app, '1.1.0')
      await publish(app, '1.2.0', { percentage: 0, minNativeVersion: '2.0.0' })
      await publish(app, '1.3.0', { percentage: 0 })
      await console.server.check(app, phone)
    })

    const wanted = (version: string) => page.getByRole('status').filter({ hasText: version })
    const choose = async (version: string) => {
      await page.getByRole('combobox', { name: 'The release that it should get' }).click()
      await page.getByRole('option', { name: version }).click()
    }
    const decision = () => page.getByRole('group', { name: 'At its next check' })

    test('is found by the id that the app shows, although the server keeps its hash', async () => {
      await open('why/devices')
      await page.getByRole('searchbox', { name: 'Find a device by its id' }).fill(phone.deviceId)
      const found = page.getByRole('link', { name: /^h_/ })
      await page.waitForURL(/search=the-phone-of-ada/)
      await found.click()
      await page.getByRole('heading', { name: /^Device h_/ }).waitFor()
      expect(await page.content()).not.toContain(phone.deviceId)
    })

    test('shows rule by rule why, and what would have to change', async () => {
      await decision().getByText('It gets 1.1.0').waitFor()
      const newest = page.locator('details').filter({ hasText: '1.3.0' })
      await newest.getByText("The device is outside the rollout's audience.").waitFor()
      await choose('1.2.0')
      await wanted('1.2.0').getByText('Update the app from its store to 2.0.0 or newer (it has 1.0.0).').waitFor()
      expect(await wanted('1.2.0').getByRole('listitem').count()).toBe(2)
      await choose('1.3.0')
      await wanted('1.3.0')
        .getByText(/^Widen the rollout from 0 % to/)
        .waitFor()
      expect(new URL(page.url()).searchParams.get('release')).toMatch(/^[0-9a-f-]{36}$/)
    })

    test('gets it after that was changed, and the page says so by itself', async () => {
      const { items } = await console.api.listRollouts('why')
      const newest = items.find(({ version }) => version === '1.3.0')
      await console.api.changeRollout(newest?.id ?? '', { percentage: 100 })
      await wanted('1.3.0').getByText('It gets 1.3.0').waitFor()
      await decision().getByText('It gets 1.3.0').waitFor()
      await console.api.changeRollout(newest?.id ?? '', { percentage: 0 })
      await decision().getByText('It gets 1.1.0').waitFor()
    })

    test('is forced to get it, alone, and let go again', async () => {
      await page.getByRole('button', { name: 'Force a release' }).click()
      const dialog = page.getByRole('dialog', { name: 'Force a release' })
      await dialog.getByRole('combobox', { name: 'Release' }).fill('1.3.0')
      await page.getByRole('option', { name: '1.3.0' }).click()
      await dialog.getByText('The rollout of 1.3.0 will name this device').waitFor()
      await dialog.getByRole('button', { name: 'Force a release' }).click()
      await dialog.waitFor({ state: 'detached' })
      await decision().getByText('It gets 1.3.0').waitFor()
      expect((await console.server.check(app, phone)).body).toMatchObject({ updateAvailable: true, version: '1.3.0' })
      expect((await console.server.check(app, { ...phone, deviceId: 'another' })).body.version).toBe('1.1.0')
      await page.getByRole('button', { name: 'Do not name it any more' }).click()
      await decision().getByText('It gets 1.1.0').waitFor()
    })

    test('is forgotten', async () => {
      await page.getByRole('button', { name: 'Forget' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click()
      await page.waitForURL(/\/devices$/)
      await expect(console.api.getDevice('why', phone.deviceId)).rejects.toMatchObject({ type: 'device-not-found' })
    })
  })

  describe(`${MANY} devices`, () => {
    const idOf = (number: number) => `device-${String(number).padStart(6, '0')}`

    beforeAll(async () => {
      const app = await console.api.createApp({ slug: 'many', platforms: ['android', 'ios'], deviceIds: 'as-given' })
      await writeFleet(console, app, { devices: MANY, idOf })
    })

    const indexes = () =>
      page.evaluate<number[]>(
        "[...document.querySelectorAll('tbody tr[aria-rowindex]')].map((row) => Number(row.getAttribute('aria-rowindex')))",
      )

    /** As somebody does who wants to see more: to the end of what is there, until the row is. */
    async function scrollTo(row: number): Promise<void> {
      await expect
        .poll(
          async () => {
            const shown = await indexes()
            const [first = 0, last = 0] = [shown[0], shown.at(-1)]
            const rows = row < first ? row - first - 10 : Math.max(0, row - last) + 10
            if (!shown.includes(row)) await page.evaluate(`window.scrollBy(0, ${rows * 44})`)
            return shown.includes(row)
          },
          { timeout: 60_000 },
        )
        .toBe(true)
    }

    test('are scrolled through: the next ones come, and only those near the window are there', async () => {
      await open('many/devices')
      await page.locator('tr[aria-rowindex="2"]').waitFor()
      const seen = new Set<string>()
      for (const row of [150, 390, 790]) {
        await scrollTo(row)
        expect((await indexes()).length).toBeLessThan(80)
        seen.add(await page.locator(`tr[aria-rowindex="${row}"] a`).innerText())
      }
      expect(seen.size).toBe(3)
    })

    test('are narrowed to the few that count as uninstalled, and to one', async () => {
      await open('many/devices?state=gone')
      const rows = page.locator('tbody tr[aria-rowindex]')
      await rows.first().waitFor()
      expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe(String(MANY / 5_000 + 1))
      await page.getByRole('searchbox', { name: 'Find a device by its id' }).fill('device-054999')
      await page.waitForURL(/search=device-054999/)
      await expect.poll(() => rows.count()).toBe(1)
      await page.getByRole('link', { name: 'device-054999' }).click()
      await page.getByRole('heading', { name: 'Device device-054999' }).waitFor()
    })
  })

  describe('figures', () => {
    let from: string
    let to: string

    beforeAll(async () => {
      const app = await console.api.createApp({ slug: 'figures', platforms: ['android', 'ios'], deviceIds: 'as-given' })
      const releases: WrittenRelease[] = []
      for (const [version, daysAgo, share, badShare] of [
        ['2.1.0', 2, 0.5, 0.002],
        ['2.0.0', 6, 0.95, 0.04],
      ] as const) {
        const { releaseId, rolloutId } = await publish(app, version)
        releases.push({ releaseId, rolloutId, version, platform: 'android', daysAgo, share, badShare })
      }
      await writeFleet(console, app, { devices: 1_000, releases, idOf: (number) => `phone-${number}` })
      const day = (at: number) => new Date(at).toISOString().slice(0, 10)
      from = day(Date.now() - 8 * DAY_MS)
      to = day(Date.now() - DAY_MS)
    })

    const range = () => ({ from: `${from}T00:00:00.000Z`, to: new Date(Date.parse(to) + DAY_MS).toISOString() })

    test("a chart's table has the API's figures", async () => {
      await open(`figures/insights?range=days&from=${from}&to=${to}`)
      const figure = page.getByRole('figure', { name: 'Versions over time' })
      await figure.getByText('Show as a table').click()
      const table = figure.getByRole('table')
      await table.waitFor()
      const { versions, points } = await console.api.getVersions('figures', range())
      expect(points.flatMap(({ devices }) => devices).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1_000)
      const names = versions.map((version) => version ?? 'Shipped with the app')
      expect(await table.getByRole('columnheader').allInnerTexts()).toEqual([
        'Time',
        ...names.map((name) => `${name} (Devices)`),
      ])
      const rows = await table.locator('tbody tr').all()
      const cells = await Promise.all(rows.map((row) => row.locator('td').allInnerTexts()))
      expect(cells.map(([_time, ...values]) => values.map((value) => Number(value.replaceAll(',', ''))))).toEqual(
        points.map(({ devices }) => devices),
      )
    })

    test('say how sure they are', async () => {
      const { releases } = await console.api.getReleaseHealth('figures', range())
      const bad = releases.find(({ version }) => version === '2.0.0')?.bad
      const percent = (share = 0) => `${Math.round((share ?? 0) * 1000) / 10}%`
      const row = page.getByRole('row').filter({ hasText: '2.0.0' }).filter({ hasText: ' to ' })
      await row.getByText(`${percent(bad?.low ?? 0)} to ${percent(bad?.high ?? 0)}`).waitFor()
    })

    test('are downloaded as CSV, as the API writes them', async () => {
      const figure = page.getByRole('figure', { name: 'Versions over time' })
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        figure.getByRole('button', { name: 'CSV' }).click(),
      ])
      expect(download.suggestedFilename()).toBe('figures-versions.csv')
      const text = await readFile(await download.path(), 'utf8')
      expect(text).toBe(await console.api.getInsightCsv('figures', ['versions'], range()))
      expect(text.split('\n').length).toBeGreaterThan(8)
    })
  })

  describe('the overview', () => {
    test('says what needs attention, where it is mended, and what happens while it happens', async () => {
      const app = await console.api.createApp({ slug: 'busy', platforms: ['android'] })
      await publish(app, '1.0.0')
      const expiresAt = new Date(Date.now() + 5 * DAY_MS).toISOString()
      await console.api.createToken({ name: 'release pipeline', role: 'publisher', app: 'busy', expiresAt })
      await open('busy')
      const attention = page.getByRole('region', { name: 'Needs attention' })
      await attention.getByText('The token “release pipeline” expires soon').waitFor()
      const changes = page.getByRole('region', { name: 'Recent changes' })
      await changes.getByText('1.0.0 for Android was published').waitFor()
      await publish(app, '1.1.0', { percentage: 25 })
      await changes.getByText('1.1.0 (Android) started on production for 25%').waitFor()
      await page.getByRole('region', { name: 'Newest releases' }).getByRole('link', { name: '1.1.0' }).waitFor()
      await attention.getByRole('link', { name: 'Look at it: release pipeline' }).click()
      await page.waitForURL(/\/dashboard\/tokens$/)
    })
  })
})
