import type { Impact, PublishedRelease, Rollout } from '@hotpatch/api'
import { writeReleaseStatement, STATED_EMBEDDED } from '@hotpatch/protocol'
import { bundleOf, newSigningKey, signRelease, signStatement } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { createWorld, DAY_MS } from './testing/world-suite.ts'

/** A world that can undo things, as a publisher does. */
async function createStory() {
  const world = await createWorld()
  const { server, app, key, fleet } = world
  const at = `/manage/v1/apps/${app.slug}`
  const live = () => fleet.run({ durationMs: 2 * DAY_MS })
  const nextSequence = async (): Promise<number> =>
    (await server.request('GET', `${at}/sequence?platform=android`)).body.nextSequence
  const ask = async (question: Record<string, unknown>): Promise<Impact> =>
    (await server.request('POST', `${at}/impact`, { body: question })).body
  const halt = (id: string) => server.request('POST', `/manage/v1/rollouts/${id}/halt`)
  const why = async (deviceId: string, release: string) =>
    (await server.request('GET', `${at}/devices/${deviceId}/explain?release=${release}`)).body
  async function rollBack(to: unknown, text: string): Promise<Rollout> {
    const body = { platform: 'android', channel: 'production', to, ...signStatement(key, text) }
    return (await server.request('POST', `${at}/rollbacks`, { body })).body
  }
  async function toEmbedded(): Promise<Rollout> {
    const embedded = { ...STATED_EMBEDDED, floor: 0, requirement: {} } as const
    const named = { appId: app.id, platform: 'android', createdAt: '2027-01-01T00:00:00.000Z' } as const
    return rollBack('embedded', writeReleaseStatement({ ...named, ...embedded, sequence: await nextSequence() }))
  }
  /** The same content, stated again under the next sequence. */
  async function again({ version, releaseId }: PublishedRelease): Promise<Rollout> {
    const bundle = await bundleOf(`this is ${version}`)
    const named = { appId: app.id, platform: 'android', version, sequence: await nextSequence(), bundle } as const
    const { statement } = signRelease(key, named)
    return rollBack({ releaseId }, Buffer.from(statement, 'base64').toString())
  }
  /** What was tried on beta, to everybody. */
  async function promote({ releaseId }: PublishedRelease): Promise<Rollout> {
    return (await server.request('POST', `${at}/rollouts`, { body: { releaseId, channel: 'production' } })).body
  }
  return { ...world, live, nextSequence, ask, halt, why, toEmbedded, again, promote }
}

test('a roll-back to embedded that was a mistake: stating again what lies below brings every phone home', async () => {
  const { fleet, publish, live, ask, halt, toEmbedded, again } = await createStory()
  await publish('1.0.0')
  const current = await publish('1.1.0')
  await live()
  expect(fleet.figures().versions).toEqual({ '1.1.0': 30 })
  const mistake = await toEmbedded()
  await live()
  expect(fleet.figures().versions).toEqual({ embedded: 30 })
  const impact = await ask({ change: 'halt', rolloutId: mistake.id })
  expect(impact).toMatchObject({ stranded: 30, wayOut: { version: '1.1.0', stranded: 0 } })
  await again(current)
  await halt(mistake.id)
  await live()
  expect(fleet.figures()).toMatchObject({ versions: { '1.1.0': 30 } })
  // Nobody was offered what it refuses.
  expect(fleet.figures().failures).toEqual({})
})

test('the same undone by halting alone leaves them where they are, and nobody tells them otherwise', async () => {
  const { fleet, publish, live, halt, toEmbedded, why } = await createStory()
  const current = await publish('1.1.0')
  await live()
  await halt((await live().then(toEmbedded)).id)
  const embedded = await toEmbedded()
  await live()
  await halt(embedded.id)
  await live()
  expect(fleet.figures()).toMatchObject({ versions: { embedded: 30 }, failures: {} })
  const { decision, towards } = await why(fleet.device(0).id, current.releaseId)
  expect(decision).toMatchObject({
    kind: 'up-to-date',
    reason: 'below-high-water',
    explanation: 'The device has confirmed sequence 3 already, and refuses lower ones: 1.1.0 is signed as 1.',
  })
  expect(towards.changes).toEqual([expect.stringContaining('hotpatch rollback --version 1.1.0')])
})

test('a promotion that was a mistake, halted: phones go back to what they still hold', async () => {
  const { fleet, publish, live, ask, halt, promote } = await createStory()
  await publish('1.0.0')
  await publish('1.1.0')
  const trial = await publish('2.0.0', { channel: 'beta' })
  await live()
  expect(fleet.figures().versions).toEqual({ '1.1.0': 30 })
  const mistake = await promote(trial)
  await live()
  expect(fleet.figures().versions).toEqual({ '2.0.0': 30 })
  expect(await ask({ change: 'halt', rolloutId: mistake.id })).toMatchObject({ stranded: 0, wayOut: null })
  await halt(mistake.id)
  await live()
  expect(fleet.figures()).toMatchObject({ versions: { '1.1.0': 30 }, failures: {} })
})

test('two promotions that were a mistake, halted: phones hold nothing good any more, and stating again brings them home', async () => {
  const { fleet, publish, live, ask, halt, promote, why, again } = await createStory()
  const current = await publish('1.1.0')
  await live()
  const mistakes: Rollout[] = []
  for (const version of ['2.0.0', '2.0.1']) {
    mistakes.push(await promote(await publish(version, { channel: 'beta' })))
    await live()
  }
  const [first, second] = mistakes as [Rollout, Rollout]
  await halt(first.id)
  const impact = await ask({ change: 'halt', rolloutId: second.id })
  expect(impact).toMatchObject({ goBack: 30, moves: [{ from: '2.0.1', to: null, devices: 30 }] })
  await halt(second.id)
  await live()
  expect(fleet.figures()).toMatchObject({ versions: { embedded: 30 }, failures: {} })
  const { decision, rollouts, towards } = await why(fleet.device(0).id, current.releaseId)
  expect(decision).toMatchObject({ kind: 'up-to-date', reason: 'below-high-water' })
  const verdicts = rollouts.flatMap((rollout: { verdicts: unknown[] }) => rollout.verdicts)
  expect(verdicts).toContainEqual(expect.objectContaining({ rule: 'D11', reason: 'below-high-water' }))
  expect(towards.changes.length).toBeGreaterThan(0)
  await again(current)
  await live()
  expect(fleet.figures()).toMatchObject({ versions: { '1.1.0': 30 }, failures: {} })
})

test('a new key: old binaries stay on the last release that their key signed, and why says so', async () => {
  const { server, app, fleet, publish, live, nextSequence, why, ask } = await createStory()
  await publish('1.0.0')
  await live()
  const added = newSigningKey()
  const body = { publicKey: added.publicKey }
  const impact = await ask({ change: 'add-key', publicKey: added.publicKey })
  expect(impact).toMatchObject({ cannotTake: [{ reason: 'key-not-trusted', devices: 30 }] })
  await server.request('POST', `/manage/v1/apps/${app.slug}/keys`, { body })
  const bundle = await bundleOf('this is 2.0.0')
  const named = {
    appId: app.id,
    platform: 'android',
    version: '2.0.0',
    sequence: await nextSequence(),
    bundle,
  } as const
  const released = await server.published(app, { version: '2.0.0', bundle, signatures: signRelease(added, named) })
  await live()
  expect(fleet.figures()).toMatchObject({ versions: { '1.0.0': 30 }, failures: {} })
  const { decision, rollouts, towards } = await why(fleet.device(0).id, released.releaseId)
  expect(decision).toMatchObject({ kind: 'up-to-date', reason: 'runs-the-target' })
  expect(rollouts[0].verdicts).toContainEqual(expect.objectContaining({ rule: 'D11', reason: 'key-not-trusted' }))
  expect(towards.changes.length).toBeGreaterThan(0)
  // Back to the old key, everybody follows.
  await publish('2.0.1')
  await live()
  expect(fleet.figures().versions).toEqual({ '2.0.1': 30 })
})
