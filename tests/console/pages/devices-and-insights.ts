import { bundleOf } from '@hotpatch/testkit'
import type { ConsolePages } from '../console-page.ts'
import { writeFleet, type WrittenRelease } from '../written-fleet.ts'

const RELEASES = [
  ['3.2.0', 1.5, 0.42, 0.004],
  ['3.1.0', 6, 0.9, 0.012],
  ['3.0.0', 12, 0.97, 0.03],
] as const
const DAY_MS = 86_400_000

let deviceId = ''

export const devicesAndInsightsPages: ConsolePages = {
  seed: async (console) => {
    const { api, server } = console
    const app = await api.createApp({ slug: 'kiosk', name: 'Kiosk', platforms: ['android', 'ios'] })
    await api.createApp({ slug: 'empty', name: 'Empty', platforms: ['android'] })
    const releases: WrittenRelease[] = []
    for (const platform of ['android', 'ios'] as const) {
      for (const [version, daysAgo, share, badShare] of RELEASES.toReversed()) {
        const percentage = version === '3.2.0' ? 50 : 100
        const bundle = await bundleOf(`${version} ${platform}`)
        const { releaseId, rolloutId } = await server.published(app, { version, platform, percentage, bundle })
        releases.unshift({ releaseId, rolloutId, version, platform, daysAgo, share, badShare })
      }
    }
    const idOf = (number: number) => `h_${String(number).padStart(6, '0')}KuhVxfwYCSf2lHfS`
    await writeFleet(console, app, { devices: 2_400, releases, idOf })
    const expiresAt = new Date(Date.now() + 6 * DAY_MS).toISOString()
    await api.createToken({ name: 'Release pipeline', role: 'publisher', app: 'kiosk', expiresAt })
    // One that has gone through something.
    const phone = { deviceId: 'phone-of-a-tester', version: '3.1.0', nativeVersion: '2.1.0' }
    await server.check(app, phone)
    const releaseId = releases.find(({ version, platform }) => version === '3.2.0' && platform === 'android')?.releaseId
    await server.report(app, { deviceId: phone.deviceId, releaseId, status: 'downloaded' })
    await server.report(app, { deviceId: phone.deviceId, releaseId, status: 'failed' })
    deviceId = (await api.getDevice('kiosk', phone.deviceId)).id
  },
  pages: [
    {
      name: 'overview',
      address: '/apps/kiosk/overview',
      shows: async (page) => {
        await page.getByText('The token “Release pipeline” expires soon').waitFor()
        await page
          .getByText(/^Runs on/)
          .first()
          .waitFor()
        await page.locator('.recharts-surface').first().waitFor()
      },
    },
    {
      name: 'overview-empty',
      address: '/apps/empty/overview',
      shows: (page) => page.getByText('Nothing here yet').waitFor(),
    },
    {
      name: 'devices',
      // Few enough to be all in the picture.
      address: '/apps/kiosk/devices?search=h_00001',
      shows: (page) => page.getByRole('link', { name: /^h_/ }).first().waitFor(),
    },
    {
      name: 'devices-none',
      address: '/apps/kiosk/devices?search=nobody',
      shows: (page) => page.getByText('No device fits').waitFor(),
    },
    {
      name: 'device',
      address: () => `/apps/kiosk/devices/${deviceId}`,
      shows: async (page) => {
        await page.getByText('Rule by rule').waitFor()
        await page.getByText('3.2.0 failed').waitFor()
      },
    },
    {
      name: 'force-release',
      address: () => `/apps/kiosk/devices/${deviceId}`,
      shows: (page) => page.getByText('Rule by rule').waitFor(),
      prepare: async (page) => {
        const dialog = page.getByRole('dialog')
        if (!(await dialog.isVisible())) await page.getByRole('button', { name: 'Force a release' }).click()
        await dialog.waitFor()
      },
    },
    {
      name: 'insights',
      address: '/apps/kiosk/insights?range=30d',
      shows: async (page) => {
        await page.getByText('Health of releases').waitFor()
        await page.locator('.recharts-surface').nth(3).waitFor()
      },
    },
  ],
}
