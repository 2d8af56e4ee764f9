import type { Page, PublishedRelease, Release, Rollout } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

/** Versions 1.0.0 and 1.1.0 on staging, for android. */
async function createStaged({ signed = true } = {}) {
  const publisher = await server.createPublisher()
  await publisher.write({ 'dist/index.android.bundle': 'bundle' })
  const command = `release --platform android --bundle-dir dist --channel staging --yes${signed ? '' : ' --no-sign'} --version`
  const publish = (version: string) => publisher.json<PublishedRelease>(command, version)
  return { ...publisher, old: await publish('1.0.0'), current: await publish('1.1.0') }
}

describe('promote', () => {
  test('puts a release on another channel, by its id or by its version', async () => {
    const { json, current } = await createStaged()
    const byVersion = 'promote --version 1.1.0 --platform android --yes'
    expect(await json(`${byVersion} --from staging --to production --rollout 10`)).toMatchObject({
      releaseId: current.releaseId,
      channel: 'production',
      percentage: 10,
      mandatory: false,
    })
    expect(await json(`promote --release ${current.releaseId} --to beta --mandatory true --yes`)).toMatchObject({
      channel: 'beta',
      percentage: 100,
      mandatory: true,
    })
    // What was promoted can be promoted on from where it came to.
    expect(await json(`${byVersion} --from beta --to production`)).toMatchObject({ releaseId: current.releaseId })
  })

  test('of what is not the newest states it again, signed: devices may have seen newer statements', async () => {
    const { json, old, current } = await createStaged()
    const promote = (releaseId: string) => json(`promote --release ${releaseId} --to production --yes`)
    expect(await promote(old.releaseId)).toMatchObject({ version: '1.0.0', sequence: 3 })
    expect(await promote(current.releaseId)).toMatchObject({ version: '1.1.0', sequence: 4 })
  })

  test('of what was never there fails', async () => {
    const { run, old } = await createStaged()
    const missing = 'promote --version 9.9 --from staging --platform android --to beta --yes'
    expect(await run(missing)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('never had the version 9.9'),
    })
    expect(await run(`promote --release ${old.rolloutId} --to beta --yes`)).toMatchObject({ exitCode: 1 })
    expect(await run(`promote --release ${old.releaseId} --to beta`)).toMatchObject({ exitCode: 2 })
  })
})

describe('rollouts', () => {
  test('are listed, changed, paused, resumed and halted', async () => {
    const { json, run, current } = await createStaged()
    const id = current.rolloutId
    expect(await json(`rollouts set ${id} --percentage 50 --yes`)).toMatchObject({ id, percentage: 50 })
    expect(await json(`rollouts set ${id} --mandatory --yes`)).toMatchObject({ percentage: 50, mandatory: true })
    expect(await json(`rollouts set ${id} --mandatory false --yes`)).toMatchObject({ mandatory: false })
    expect(await json(`rollouts pause ${id} --yes`)).toMatchObject({ state: 'paused' })
    expect(await json(`rollouts resume ${id} --yes`)).toMatchObject({ state: 'active' })
    expect(await json(`rollouts halt ${id} --yes`)).toMatchObject({ state: 'halted' })

    const halted = await run(`rollouts resume ${id} --yes --json`)
    expect(halted.exitCode).toBe(1)
    expect(JSON.parse(halted.stderr)).toMatchObject({ error: { type: 'rollout-state', status: 409 } })
    const { items } = await json<Page<Rollout>>('rollouts list --state halted')
    expect(items.map((rollout) => rollout.id)).toEqual([id])
    const page = await json<Page<Rollout>>('rollouts list --limit 1')
    expect(page.items).toHaveLength(1)
    expect(await json(`rollouts list --limit 1 --cursor ${page.nextCursor}`)).toMatchObject({
      items: [expect.anything()],
      nextCursor: null,
    })
    expect(await run(`rollouts pause ${current.releaseId} --yes`)).toMatchObject({ exitCode: 1 })
  })
})

describe('rollback', () => {
  const back = (target: string) => `rollback --platform android --channel staging ${target} --yes`

  test('states the older release again, signed', async () => {
    const { json, old } = await createStaged()
    expect(await json(back('--version 1.0.0'))).toMatchObject({
      releaseId: old.releaseId,
      target: 'release',
      version: '1.0.0',
      sequence: 3,
      percentage: 100,
    })
    expect(await json(back('--to 1.1.0 --rollout 12.5 --mandatory'))).toMatchObject({
      sequence: 4,
      percentage: 12.5,
      mandatory: true,
    })
  })

  test('goes to what the app binary shipped with', async () => {
    const { json } = await createStaged()
    expect(await json(back('--to embedded'))).toMatchObject({
      target: 'embedded',
      releaseId: null,
      sequence: 3,
    })
  })

  test('is not signed for an app without keys, and must be for one with', async () => {
    const unsigned = await createStaged({ signed: false })
    expect(await unsigned.json(back('--version 1.0.0'))).toMatchObject({ sequence: null })

    const signed = await createStaged()
    const { exitCode, stderr } = await signed.run(back('--version 1.0.0 --no-sign'))
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('takes signed releases only')])
    const { items } = await signed.json<Page<Release>>('releases list')
    expect(items).toHaveLength(2)
  })

  test('to what was never on the channel fails', async () => {
    const { run } = await createStaged()
    expect(await run(back('--version 0.9'))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('never had the version 0.9 on staging for android'),
    })
  })
})
