import type { App, Explanation } from '@hotpatch/api'
import { bundleOf, fixedClock, problemOf, startTestServer } from '@hotpatch/testkit'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'

const clock = fixedClock()
const server = await startTestServer({ clock })
afterAll(() => server.close())
const bundle = await bundleOf('one')
let app: App
beforeEach(async () => {
  app = await server.createTestApp()
})

const ask = (deviceId: string, query = '') =>
  server.request('GET', `/manage/v1/apps/${app.slug}/devices/${encodeURIComponent(deviceId)}/explain${query}`)
const explain = async (deviceId: string, query = ''): Promise<Explanation> => (await ask(deviceId, query)).body
/** The rules that spoke against a version. */
const against = ({ rollouts }: Explanation, version: string) =>
  rollouts
    .find((rollout) => rollout.version === version)
    ?.verdicts.filter(({ passed }) => !passed)
    .map(({ reason }) => reason)

describe('explain', () => {
  test('says of a known device what its next check says, and why', async () => {
    const first = await server.published(app, { bundle })
    const second = await server.published(app, { bundle, version: '1.1.0', percentage: 0 })
    await server.check(app, { releaseId: first.releaseId, nativeVersion: '2.0' })
    const explanation = await explain('device-1')
    expect(explanation).toMatchObject({
      device: { id: 'device-1', isKnown: true, platform: 'android', channel: 'production', nativeVersion: '2.0' },
      generation: 2,
      decision: { kind: 'up-to-date', reason: 'runs-the-target', explanation: 'The device runs what it should.' },
      rollouts: [
        { rolloutId: second.rolloutId, position: 2, version: '1.1.0', outcome: 'passed-over' },
        { rolloutId: first.rolloutId, position: 1, version: '1.0.0', outcome: 'target' },
      ],
    })
    expect(against(explanation, '1.1.0')).toEqual(['outside-audience'])
    expect(against(explanation, '1.0.0')).toEqual([])
  })

  test('shows an offer with all that it has', async () => {
    const { releaseId } = await server.published(app, { bundle, mandatory: true })
    expect((await explain('somebody', '?platform=android')).decision).toEqual({
      kind: 'update',
      reason: 'percentage',
      explanation: "The device is within the rollout's percentage.",
      waysOut: [],
      releaseId,
      version: '1.0.0',
      mandatory: true,
      direction: 'forward',
      minNativeVersion: null,
    })
  })

  test.each<[string, (rolloutId: string) => Promise<unknown>, string]>([
    ['paused', (id) => server.request('POST', `/manage/v1/rollouts/${id}/pause`), 'paused'],
    ['halted', (id) => server.request('POST', `/manage/v1/rollouts/${id}/halt`), 'halted'],
    ['withdrawn', (id) => server.request('POST', `/manage/v1/rollouts/${id}/withdraw`), 'withdrawn'],
    [
      'for others',
      (id) => server.request('PATCH', `/manage/v1/rollouts/${id}`, { body: { percentage: 0 } }),
      'outside-audience',
    ],
  ])('names the rule that a rollout which is %s fails', async (_case, act, reason) => {
    const { rolloutId } = await server.published(app, { bundle })
    await act(rolloutId)
    expect(against(await explain('somebody', '?platform=android'), '1.0.0')).toContain(reason)
  })

  test('names what the shell lacks', async () => {
    await server.published(app, { bundle, minNativeVersion: '3.0' })
    const explanation = await explain('somebody', '?platform=android&nativeVersion=2.9')
    expect(explanation.decision).toMatchObject({ kind: 'native-update-required', minNativeVersion: '3.0' })
    expect(against(explanation, '1.0.0')).toEqual(['native-too-old'])
  })

  test('knows what failed on the device', async () => {
    const { releaseId } = await server.published(app, { bundle })
    await server.report(app, { status: 'rolled_back', releaseId })
    const explanation = await explain('device-1')
    expect(explanation.device.failedReleaseIds).toEqual([releaseId])
    expect(against(explanation, '1.0.0')).toEqual(['failed-on-this-device'])
  })

  test('names a roll-back to what the binary shipped with', async () => {
    const { releaseId } = await server.published(app, { bundle })
    await server.check(app, { releaseId })
    const body = { platform: 'android', channel: 'production', to: 'embedded' }
    await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })
    expect(await explain('device-1')).toMatchObject({
      decision: { kind: 'embedded', direction: 'back', releaseId: null },
      rollouts: [{ outcome: 'target', releaseId: null, version: null }, { outcome: 'not-reached' }],
    })
  })

  test('says of a device that never checked what it would get', async () => {
    expect(problemOf(await ask('nobody'))).toBe('404 device-not-found')
    expect(await explain('nobody', '?platform=ios&channel=beta')).toMatchObject({
      device: { isKnown: false, platform: 'ios', channel: 'beta', lastSeenAt: null },
      decision: { kind: 'up-to-date', reason: 'nothing-published', explanation: 'Nothing is placed on this channel.' },
      rollouts: [],
    })
  })

  test.each([
    ['?platform=web', '404 platform-not-found'],
    ['?platform=symbian', '400 invalid-request'],
    ['?platform=ios&channel=x', '404 channel-not-found'],
  ])('refuses %s', async (query, expected) => {
    expect(problemOf(await ask('somebody', query))).toBe(expected)
  })
})

describe('what would have to change', () => {
  const changes = async (release: string, deviceId = 'device-1', query = '') =>
    (await explain(deviceId, `?platform=android&release=${release}${query}`)).towards?.changes

  test('nothing, when the device gets the release or runs it', async () => {
    const { releaseId } = await server.published(app, { bundle })
    expect(await changes('1.0.0')).toEqual([])
    await server.check(app, { releaseId })
    expect(await changes(releaseId)).toEqual([])
  })

  test('the very percentage that has the device in it', async () => {
    const { rolloutId } = await server.published(app, { bundle, percentage: 0 })
    const [change = ''] = (await changes('1.0.0')) ?? []
    const [, needed] = /to ([\d.]+) %/.exec(change) ?? []
    const offered = async (percentage: number) => {
      await server.request('PATCH', `/manage/v1/rollouts/${rolloutId}`, { body: { percentage } })
      return (await explain('device-1', '?platform=android')).decision.kind
    }
    expect(await offered(Number(needed) - 0.01)).toBe('up-to-date')
    expect(await offered(Number(needed))).toBe('update')
  })

  test('everything that speaks against it, and what comes before it', async () => {
    await server.published(app, {
      bundle,
      percentage: 0,
      minNativeVersion: '3.0',
      rules: [{ attribute: 'model', in: ['Pixel*'] }],
    })
    await server.published(app, { bundle, version: '2.0.0' })
    expect(await changes('1.0.0', 'device-1', '&nativeVersion=2.9')).toEqual([
      'Change the rules of the rollout that the device does not meet: model one of Pixel*.',
      'Update the app from its store to 3.0 or newer (it has 2.9).',
      'Take back the rollout of 2.0.0 (position 2), which comes before this one.',
    ])
  })

  test.each([
    ['pause', 'Resume the rollout.'],
    ['halt', 'Place the release anew: that this rollout was halted is final.'],
  ])('after %s', async (transition, expected) => {
    const isFinal = transition === 'halt'
    const { rolloutId } = await server.published(app, { bundle, percentage: isFinal ? 0 : 100 })
    await server.request('POST', `/manage/v1/rollouts/${rolloutId}/${transition}`)
    expect(await changes('1.0.0')).toEqual([expected])
  })

  test('a release that failed there must be mended', async () => {
    const { releaseId } = await server.published(app, { bundle })
    await server.report(app, { status: 'crashed', releaseId, detail: 'boom' })
    expect(await changes('1.0.0')).toEqual([expect.stringMatching(/^Publish a release that is mended/)])
    expect((await explain('device-1')).lastSaid?.events).toMatchObject([{ kind: 'crashed', detail: 'boom' }])
  })

  test('of a release that was never there it says so', async () => {
    expect(problemOf(await ask('device-1', '?platform=android&release=9.9.9'))).toBe('404 release-not-found')
  })
})

test('what the device last said is shown', async () => {
  await server.published(app, { bundle, percentage: 0 })
  await server.check(app, { nativeVersion: '2.0', osVersion: '14', model: 'Pixel 8', locale: 'de-AT' })
  expect(await explain('device-1')).toMatchObject({
    device: { attributes: { osVersion: '14', model: 'Pixel 8', locale: 'de-AT' } },
    lastSaid: { decision: 'up-to-date', reason: 'outside-audience', explanation: expect.any(String), events: [] },
  })
  expect((await explain('nobody', '?platform=android')).lastSaid).toBeNull()
})
