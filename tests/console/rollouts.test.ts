import { rm } from 'node:fs/promises'
import type { App, PublishedRelease, Role, RolloutChanges } from '@hotpatch/api'
import { eventually, makeTemporaryDirectory } from '@hotpatch/testkit'
import type { Fleet } from '@hotpatch/simulator'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropFiles, folderOf } from './drop-files.ts'
import { executablePath, openConsole, type Console } from './open-console.ts'
import { publish } from './pages/rollouts.ts'

const PHONES = 20
const BAD = '1.1.0'
const READER = { name: 'Rita Reader', email: 'rita@example.com', password: 'reads all day and all night' }
const PUBLISHER = { name: 'Pia Publisher', email: 'pia@example.com', password: 'publishes now and again' }

describe.skipIf(!executablePath)('rollouts in the console', () => {
  let console: Console
  let app: App
  let fleet: Fleet
  let directory: string

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    console = await openConsole()
    app = await console.api.createApp({ slug: 'shop', name: 'Shop', platforms: ['android'] })
    await publish(console, app, '1.0.0')
    fleet = console.startFleet(app, {
      devices: PHONES,
      profile: {
        checkIntervalMs: 1_000,
        jitter: 0.5,
        confirmMs: [20, 50],
        reopenMs: [100, 300],
        crashRate: (version) => (version === BAD ? 1 : 0),
      },
    })
    await runs('1.0.0', PHONES)
  })
  afterAll(async () => {
    await console.close()
    await rm(directory, { recursive: true, force: true })
  })

  const runs = (version: string, devices: number) =>
    eventually(() => expect(fleet.figures().versions[version] ?? 0).toBe(devices))

  async function openRollout({ rolloutId }: PublishedRelease, page?: Page): Promise<Page> {
    const opened = page ?? (await console.openPage())
    await opened.goto(`${console.url}/dashboard/apps/shop/rollouts/${rolloutId}`)
    await opened.getByRole('region', { name: 'Guard' }).waitFor()
    return opened
  }

  test('one is widened, and its guard is seen to halt it and to go back', async () => {
    const guard = { action: 'roll-back', minimumSample: 10, maxBadPercent: 5 }
    const page = await openRollout(await publish(console, app, BAD, { percentage: 0, guard }))
    await page.getByRole('button', { name: 'Widen or change' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Share of the devices' }).fill('100')
    await dialog.getByText(`${PHONES} devices from 1.0.0 to ${BAD}`).waitFor()
    await dialog.getByRole('button', { name: 'Change rollout' }).click()
    await dialog.waitFor({ state: 'detached' })

    await page.getByText('The guard has halted this rollout').waitFor({ timeout: 120_000 })
    await page.getByRole('main').getByText('Halted', { exact: true }).first().waitFor()
    expect(await page.getByRole('button', { name: 'Roll back' }).count()).toBe(0)
    await page.getByRole('link', { name: 'Went back to 1.0.0' }).click()
    await page.getByRole('heading', { name: '1.0.0 on production' }).waitFor()
    await page.getByText('by guard').waitFor()
    await runs('1.0.0', PHONES)
  })

  test('one is rolled back by hand, and the dialog has foretold what devices do', async () => {
    const release = await publish(console, app, '1.2.0')
    await runs('1.2.0', PHONES)
    const page = await openRollout(release)
    await page.getByRole('button', { name: 'Roll back' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('For the same devices 1.0.0 is placed on top.').waitFor()
    await dialog.getByText(`${PHONES} devices from 1.2.0 to 1.0.0`).waitFor()
    await dialog.getByRole('button', { name: 'Roll back' }).click()
    await page.getByRole('heading', { name: '1.0.0 on production' }).waitFor()
    await runs('1.0.0', PHONES)
    const [newest] = (await console.api.listRollouts('shop')).items
    expect(newest).toMatchObject({ version: '1.0.0', state: 'active', percentage: 100 })
  })

  test('what somebody else changes meanwhile is shown, and what is typed stays', async () => {
    const release = await publish(console, app, '1.3.0', { percentage: 5 })
    const page = await openRollout(release)
    await page.getByRole('button', { name: 'Widen or change' }).click()
    const dialog = page.getByRole('dialog')
    const share = dialog.getByRole('textbox', { name: 'Share of the devices' })
    await share.fill('40')
    await change(release, { percentage: 25 })
    await dialog.getByText('Share of the devices: 5% → 25%').waitFor()
    expect(await share.inputValue()).toBe('40 %')
    expect(await dialog.getByRole('button', { name: 'Change rollout' }).isDisabled()).toBe(true)
    await dialog.getByRole('button', { name: 'Apply mine' }).click()
    await dialog.getByRole('button', { name: 'Change rollout' }).click()
    await dialog.waitFor({ state: 'detached' })
    expect(await console.api.getRollout(release.rolloutId)).toMatchObject({ percentage: 40 })
    await page.getByRole('region', { name: 'History' }).getByText('Share: 25 → 40').waitFor()
  })

  test('a reader sees all of it, has no buttons for what he may not do, and is refused', async () => {
    const release = await publish(console, app, '1.4.0', { percentage: 1 })
    await invite(READER, 'reader')
    const page = await openRollout(release, await console.openPage({ as: READER }))
    await page.getByRole('region', { name: 'History' }).getByText('Started').waitFor()
    for (const name of ['Widen or change', 'Pause', 'Roll back', 'More', 'Change guard']) {
      expect([name, await page.getByRole('button', { name, exact: true }).count()]).toEqual([name, 0])
    }
    await page.goto(`${console.url}/dashboard/apps/shop/rollouts`)
    await page.getByRole('link', { name: '1.4.0' }).first().waitFor()
    expect(await page.getByRole('link', { name: 'New rollout' }).count()).toBe(0)
    await page.goto(`${console.url}/dashboard/new-app`)
    await page.getByText('This page is not for you').waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
    const status = await page.evaluate(
      `fetch('/manage/v1/rollouts/${release.rolloutId}/halt', { method: 'POST' }).then((answer) => answer.status)`,
    )
    expect(status).toBe(403)
    expect(await console.api.getRollout(release.rolloutId)).toMatchObject({ state: 'active' })
  })

  test('on a protected channel one person proposes, another approves, and only then devices get it', async () => {
    const { releaseId } = await publish(console, app, '1.5.0', { channel: 'staging' })
    await invite(PUBLISHER, 'publisher')
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/apps/shop/channels/production`)
    await page.getByRole('button', { name: 'Protect this channel' }).click()
    const protection = page.getByRole('region', { name: 'Protection' })
    await protection.getByRole('checkbox', { name: 'Publisher' }).check()
    await protection.getByRole('switch', { name: 'A second person has to approve' }).check()
    await protection.getByRole('button', { name: 'Save protection' }).click()
    await page.getByText('The channel is protected').waitFor()

    const hers = await console.openPage({ as: PUBLISHER })
    await hers.goto(`${console.url}/dashboard/apps/shop/rollouts/new?release=${releaseId}&channel=production`)
    await hers.getByRole('button', { name: 'Continue' }).click()
    await hers.getByRole('dialog').getByRole('button', { name: 'Start rollout' }).click()
    await hers.getByText('The rollout is placed, and waits for a second person').waitFor()
    await hers.getByRole('link', { name: 'To the proposal' }).click()
    await hers.getByText('You proposed it: somebody else has to approve it.').waitFor()
    expect(await hers.getByRole('button', { name: 'Approve' }).count()).toBe(0)
    const [proposal] = (await console.api.listProposals('shop', { state: 'open' })).items
    const status = await hers.evaluate(
      `fetch('/manage/v1/proposals/${proposal?.id}/approve', { method: 'POST' }).then((answer) => answer.status)`,
    )
    expect(status).toBe(403)
    expect(fleet.figures().versions['1.5.0'] ?? 0).toBe(0)

    await page.goto(`${console.url}/dashboard/apps/shop/proposals`)
    const proposed = page.getByRole('region', { name: 'Start 1.5.0 on production' })
    await proposed.getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click()
    await page.getByText('The proposal is approved').waitFor()
    await runs('1.5.0', PHONES)

    // Stopping is hers alone; going on is a proposal again, and no failure.
    await hers.getByRole('link', { name: 'The rollout' }).click()
    await hers.getByRole('button', { name: 'Pause' }).click()
    await hers.getByRole('dialog').getByRole('button', { name: 'Pause' }).click()
    await hers.getByRole('button', { name: 'Resume' }).click()
    const dialog = hers.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Resume' }).click()
    await dialog.getByText('Nothing is changed yet.').waitFor()
    expect(await dialog.getByRole('alert').count()).toBe(0)
    await dialog.getByRole('link', { name: 'To the proposal' }).click()
    await hers.getByRole('region', { name: 'Resume 1.5.0 on production' }).waitFor()
  })

  test('what is published there says that it waits; it is rejected with a reason, and another is taken back', async () => {
    const hers = await console.openPage({ as: PUBLISHER })
    const propose = async (version: string) => {
      await hers.goto(`${console.url}/dashboard/apps/shop/releases/publish`)
      await dropFiles(hers, await folderOf(directory, version, { 'index.android.bundle': `start('${version}')` }))
      await hers.getByText('Uploaded.').waitFor()
      await hers.getByRole('textbox', { name: 'Version', exact: true }).fill(version)
      await hers.getByRole('button', { name: 'Publish', exact: true }).click()
      const dialog = hers.getByRole('dialog')
      await dialog.getByText('it reaches nobody before a second person has approved it').waitFor()
      await dialog.getByRole('button', { name: 'Publish now' }).click()
      await hers.getByText(`${version} is published`).waitFor()
      await hers.getByText('It waits for a second person').waitFor()
      await hers.getByRole('link', { name: 'Watch the rollout' }).click()
      await hers.getByRole('heading', { name: `${version} on production` }).waitFor()
      await hers.getByRole('main').getByText('Waits for approval', { exact: true }).waitFor()
      for (const name of ['Resume', 'Pause']) expect(await hers.getByRole('button', { name }).count()).toBe(0)
      await hers.getByRole('link', { name: 'To the proposal' }).click()
      return hers.getByRole('region', { name: `Start ${version} on production` })
    }

    const first = await propose('1.6.0')
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/apps/shop/proposals`)
    const proposed = page.getByRole('region', { name: 'Start 1.6.0 on production' })
    await proposed.getByRole('button', { name: 'Reject' }).click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Why' }).fill('Not on a Friday')
    await page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click()
    await page.getByText('The proposal is rejected').waitFor()
    await first.getByText('Not on a Friday').waitFor()

    const second = await propose('1.7.0')
    await second.getByRole('button', { name: 'Take back' }).click()
    await hers.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
    await hers.getByText('The proposal is taken back').waitFor()
    await second.getByRole('link', { name: 'The rollout' }).click()
    await hers.getByRole('main').getByText('Withdrawn', { exact: true }).first().waitFor()
    const states = (await console.api.listRollouts('shop', { channel: 'production', limit: 2 })).items
    expect(states.map(({ version, state }) => [version, state])).toEqual([
      ['1.7.0', 'withdrawn'],
      ['1.6.0', 'withdrawn'],
    ])
    expect(fleet.figures().versions).toEqual({ '1.5.0': PHONES })
  })

  const change = ({ rolloutId }: PublishedRelease, changes: RolloutChanges) =>
    console.api.changeRollout(rolloutId, changes)

  async function invite(person: typeof READER, role: Role): Promise<void> {
    const { link } = await console.api.invite({ email: person.email, grants: [{ role }] })
    const { status } = await console.server.request('POST', '/manage/v1/one-time-links/use', {
      token: null,
      headers: { 'sec-fetch-site': 'same-origin' },
      body: { secret: link.split('#')[1], ...person },
    })
    expect(status).toBe(200)
  }
})
