import { readFileSync } from 'node:fs'
import { startTestServer, zipOf, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildOf } from './testing/hot-updater-build.ts'

interface Build {
  id: string
  channel: string
  platform: 'android' | 'ios'
  /** A range of versions, or a fingerprint. */
  target: string
  isEnabled: boolean
  isForced: boolean
  cohorts: string[]
  /** Of 1,000. */
  cohortCount: number
}

interface Answer {
  id: string
  status: string
  shouldForceUpdate?: boolean
}

interface UpdateCheckCase {
  comment: string
  builds: Build[]
  check: {
    strategy: 'appVersion' | 'fingerprint'
    target: string
    platform: string
    channel: string
    minBundleId: string
    bundleId: string
    cohort?: string
  }
  expected: Answer | null
  here?: { expected: Answer | null; why: string }
}

const FILE = new URL('../../../../../vectors/dialects/hot-updater/update-checks.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { cases: UpdateCheckCase[] }

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' } })
})
afterAll(() => server.close())

test.each(cases)('Hot-updater §3: $comment', async ({ builds, check, expected, here }) => {
  const app = await server.createTestApp({ checkAccess: 'open', platforms: ['android', 'ios'] })
  const rules = { bucketing: 'original', deviceCohorts: 'allowed' }
  await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: rules })
  const rollouts: string[] = []
  for (const [index, build] of builds.entries()) {
    const bundle = await zipOf(buildOf(build.id, { [`index.${build.platform}.bundle`]: `start(${index})` }))
    const { rolloutId } = await server.published(app, {
      bundle,
      platform: build.platform,
      channel: build.channel,
      version: `1.0.${index + 1}`,
      mandatory: build.isForced,
      percentage: build.cohortCount / 10,
      ...(build.cohorts.length > 0 && { cohorts: build.cohorts }),
      ...(check.strategy === 'fingerprint' ? { runtimeVersion: build.target } : { nativeRange: build.target }),
    })
    if (!build.isEnabled) rollouts.push(rolloutId)
  }
  for (const id of rollouts) await server.request('POST', `/manage/v1/rollouts/${id}/halt`, { body: {} })

  const strategy = check.strategy === 'fingerprint' ? 'fingerprint' : 'app-version'
  const { platform, target, channel, minBundleId, bundleId, cohort } = check
  const words = [strategy, platform, target, channel, minBundleId, bundleId, ...(cohort === undefined ? [] : [cohort])]
  const url = `/hot-updater/${app.slug}/${words.join('/')}`
  const headers = { 'hot-updater-sdk-version': '0.36.3' }
  const { body } = await server.request('GET', url, { token: null, headers })
  const wanted = here ? here.expected : expected
  if (wanted) expect(body).toMatchObject(wanted)
  else expect(body.status).toBe('UP_TO_DATE')
})
