import { newSigningKey, publishKit, type PublishedKit } from '@hotpatch/testkit'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath, openConsole, PHONE, type Console } from './open-console.ts'

describe.skipIf(!executablePath)('kits in the console', () => {
  let console: Console
  let page: Page
  let published: PublishedKit

  beforeAll(async () => {
    console = await openConsole()
    const app = await console.api.createApp({ slug: 'garden', name: 'Garden', platforms: ['linux'] })
    const probe = { type: 'http', path: '/healthz', attempts: 3, intervalMs: 10, timeoutMs: 10 } as const
    published = await publishKit(console.server, app, {
      key: newSigningKey(),
      sequence: 1,
      components: {
        web: { bytes: 'web', isOptional: true },
        gateway: { bytes: 'gateway', version: '1.4', probe, supportsRollback: false },
      },
      release: { releaseId: '2026.06.02', channel: 'production', severity: 'security', notes: 'Closes a door.' },
    })
    const of = (component: string, kind: string, more = {}) => ({
      id: `${component}-${kind}`,
      kind,
      component,
      version: '2026.06.02',
      ...more,
    })
    const events = [of('web', 'applied'), of('gateway', 'applied'), of('gateway', 'failed', { code: 'probe-failed' })]
    const told = await console.server.request('POST', '/events', {
      token: null,
      headers: { 'x-app-key': app.appKey },
      body: { deviceId: 'home-1', platform: 'linux', channel: 'production', events },
    })
    expect(told.body.rejected).toEqual([])
    page = await console.openPage()
  })
  afterAll(() => console.close())

  const open = (path: string) => page.goto(`${console.url}/dashboard/apps/garden${path}`)
  const row = (table: string, component: string) =>
    page.getByRole('group', { name: table }).getByRole('row').filter({ hasText: component })

  test('a release shows what it consists of', async () => {
    await open(`/releases/${published.releaseId}`)
    const gateway = row('Components', 'gateway')
    await gateway.waitFor()
    for (const text of ['Program', '1.4', 'Any machine (7 bytes)', 'It answers /healthz', 'Cannot be undone']) {
      expect(await gateway.textContent()).toContain(text)
    }
    expect(await row('Components', 'web').textContent()).toContain('Optional')
    await page.getByText('Security: it is required').waitFor()
    // The publish said nothing of its own.
    await page.getByText('Closes a door.').waitFor()
  })

  test('a rollout says which component fails, also on a phone', async () => {
    await open(`/rollouts/${published.rolloutId}`)
    const gateway = row('Component by component', 'gateway 1.4')
    await gateway.waitFor()
    const figures = ['0', '0', '1', '0', '0', '0', '1']
    const cells = await gateway.getByRole('cell').allTextContents()
    expect(cells).toEqual(['gateway 1.4', ...figures, 'probe-failed (1)'])
    const phone = await console.openPage({ viewport: PHONE })
    await phone.goto(`${console.url}/dashboard/apps/garden/rollouts/${published.rolloutId}`)
    await phone.getByText('probe-failed (1)').waitFor()
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.width)
  })

  test('whoever publishes is told how a kit is, whether the app takes what is unsigned or not', async () => {
    await open('/releases/publish')
    await page.getByText('hotpatch kit publish --app garden').waitFor()
    await console.api.createApp({ slug: 'new', name: 'New', platforms: ['linux'] })
    await page.goto(`${console.url}/dashboard/apps/new/releases/publish`)
    await page.getByRole('button', { name: 'Choose a folder' }).waitFor()
    await page.getByText('hotpatch kit publish --app new').waitFor()
  })
})
