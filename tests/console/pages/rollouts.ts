import type { App, Release } from '@hotpatch/api'
import { bundleOf, publishForm } from '@hotpatch/testkit'
import type { Console } from '../open-console.ts'
import type { ConsolePages } from '../console-page.ts'

const DEVICES = 80
const PLAN = {
  steps: [
    { percentage: 5, bakeMinutes: 240, minimumSample: 50 },
    { percentage: 25, bakeMinutes: 720, minimumSample: 500 },
    { percentage: 100, bakeMinutes: 0 },
  ],
  windows: [{ timeZone: 'Europe/Berlin', days: [1, 2, 3, 4, 5], from: '09:00', to: '17:00' }],
}
const seeded = { planned: '', tripped: '', experiment: '' }

export const rolloutsPages: ConsolePages = {
  seed: seedRollouts,
  pages: [
    {
      name: 'rollouts',
      address: '/apps/shop/rollouts?channel=production',
      shows: (page) => page.getByRole('link', { name: '4.2.0' }).first().waitFor(),
    },
    {
      name: 'rollout-planned',
      address: () => `/apps/shop/rollouts/${seeded.planned}`,
      shows: (page) => page.getByRole('region', { name: 'Plan' }).getByText('25%').waitFor(),
    },
    {
      name: 'rollout-stopped',
      address: () => `/apps/shop/rollouts/${seeded.tripped}`,
      shows: (page) => page.getByText('The guard has halted this rollout').waitFor(),
    },
    {
      name: 'rollout-step-back',
      address: () => `/apps/shop/rollouts/${seeded.planned}`,
      shows: (page) => page.getByRole('region', { name: 'Guard' }).waitFor(),
      prepare: async (page) => {
        // It stays open while the look changes.
        if ((await page.getByRole('dialog').count()) === 0)
          await page.getByRole('button', { name: 'Roll back' }).click()
        await page.getByRole('dialog').getByText('Stay as they are').waitFor()
      },
    },
    {
      name: 'rollout-new',
      address: '/apps/shop/rollouts/new?channel=beta',
      shows: (page) => page.getByRole('heading', { name: 'New rollout' }).waitFor(),
      prepare: async (page) => {
        await page.getByPlaceholder('Choose a release').click()
        await page.getByRole('option', { name: '4.0.0 · Android' }).click()
        await page.getByText(/^Reaches \d+ of/).waitFor()
      },
    },
    {
      name: 'proposals',
      address: '/apps/shop/proposals',
      shows: (page) => page.getByRole('region', { name: 'Start 4.5.0 on beta' }).waitFor(),
    },
    {
      name: 'channels',
      address: '/apps/shop/channels',
      shows: (page) => page.getByRole('link', { name: '4.2.0' }).waitFor(),
    },
    {
      name: 'channel',
      address: '/apps/shop/channels/production',
      shows: (page) => page.getByText('iPhones of 2024').waitFor(),
    },
    {
      name: 'channel-protected',
      address: '/apps/shop/channels/beta',
      shows: (page) => page.getByRole('button', { name: 'Save protection' }).waitFor(),
    },
    {
      name: 'cohorts',
      address: '/apps/shop/cohorts',
      shows: (page) => page.getByText('stores-in-berlin').waitFor(),
    },
    {
      name: 'cohort',
      address: '/apps/shop/cohorts/testers',
      shows: (page) => page.getByRole('link', { name: 'd-2' }).waitFor(),
    },
    {
      name: 'experiments',
      address: '/apps/shop/experiments',
      shows: (page) => page.getByText('New checkout').waitFor(),
    },
    {
      name: 'experiment',
      address: () => `/apps/shop/experiments/${seeded.experiment}`,
      shows: (page) => page.getByText('What may be concluded').waitFor(),
    },
    {
      name: 'experiment-new',
      address: '/apps/shop/experiments/new',
      shows: (page) => page.getByRole('heading', { name: 'New A/B test' }).waitFor(),
    },
  ],
}

/** An app with a history: a release for all, one on its way by a plan, one that its guard stopped. */
async function seedRollouts(console: Console): Promise<void> {
  const { api } = console
  const app = await api.createApp({
    slug: 'shop',
    name: 'Shop',
    platforms: ['android', 'ios'],
    deviceIds: 'as-given',
    trust: { observedMinutes: 0, networkPercent: 100 },
  })
  await publish(console, app, '4.0.0')
  await liveAll(console, app, 'production')
  await liveAll(console, app, 'beta', 30)
  await api.createCohort(app.slug, { name: 'testers', description: 'Our own phones', devices: ['d-1', 'd-2', 'd-3'] })
  await api.createCohort(app.slug, {
    name: 'stores-in-berlin',
    description: 'The tills of four stores',
    devices: Array.from({ length: 20 }, (_, index) => `d-${index}`),
  })
  const guard = { action: 'roll-back', minimumSample: 10, maxBadPercent: 5 }
  const bad = await publish(console, app, '4.1.0', { percentage: 40, cohorts: ['testers'], guard })
  await liveAll(console, app, 'production', DEVICES, '4.1.0')
  await console.server.tick()
  const planned = await publish(console, app, '4.2.0', { plan: PLAN, guard: { ...guard, minimumSample: 50 } })
  await api.advanceRollout(planned.rolloutId, 1)
  await liveAll(console, app, 'production')
  await api.createChannelKey(app.slug, { channel: 'production', name: 'iPhones of 2024', platform: 'ios' })
  const experiment = await seedExperiment(console, app)
  await api.protectChannel(app.slug, 'beta', { roles: ['owner'], needsApproval: true })
  await publish(console, app, '4.5.0', { channel: 'beta' })
  Object.assign(seeded, { planned: planned.rolloutId, tripped: bad.rolloutId, experiment })
}

async function seedExperiment(console: Console, app: App): Promise<string> {
  const inactive = { channel: 'staging', percentage: 0 }
  const old = await publish(console, app, '4.3.0', inactive)
  const next = await publish(console, app, '4.4.0', inactive)
  const { id } = await console.api.createExperiment(app.slug, {
    name: 'New checkout',
    channel: 'staging',
    arms: [
      { name: 'old', weight: 50, releaseId: old.releaseId },
      { name: 'new', weight: 50, releaseId: next.releaseId },
    ],
  })
  await liveAll(console, app, 'staging', 130, '4.4.0', 3)
  return id
}

export async function publish({ api }: Console, app: App, version: string, changes: Record<string, unknown> = {}) {
  const form = publishForm({ platform: 'android', version, ...changes }, await bundleOf(version))
  return api.publishRelease(app.slug, form)
}

async function liveAll(
  console: Console,
  app: App,
  channel: string,
  count = DEVICES,
  badVersion: Release['version'] = '',
  /** It goes badly on every so manieth device. */
  each = 1,
): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const deviceId = channel === 'production' ? `d-${index}` : `${channel}-${index}`
    await live(console, app, { deviceId, channel, badVersion: index % each === 0 ? badVersion : '' })
  }
}

const runs = new Map<string, string>()

/** A device checks, takes what it is offered, and says how it went. */
export async function live(
  { server }: Console,
  app: App,
  { deviceId, channel, badVersion }: { deviceId: string; channel: string; badVersion: string },
): Promise<void> {
  const current = runs.get(deviceId)
  const device = { deviceId, channel, nativeVersion: '2.0', osVersion: '14', ...(current && { releaseId: current }) }
  const { body: offer } = await server.check(app, device)
  if (!offer.updateAvailable) return
  const isBad = offer.version === badVersion
  const events = ['downloaded', 'applied', isBad ? 'crashed' : 'confirmed'].map((kind) => {
    return { id: `${deviceId}-${offer.releaseId}-${kind}`, kind, releaseId: offer.releaseId }
  })
  await server.request('POST', '/events', {
    body: { deviceId, platform: 'android', channel, events },
    token: null,
    headers: { 'x-app-key': app.appKey },
  })
  if (isBad) return
  runs.set(deviceId, offer.releaseId)
  await server.check(app, { ...device, releaseId: offer.releaseId })
}
