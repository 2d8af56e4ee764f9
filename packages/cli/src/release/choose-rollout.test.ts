import type { PublishedRelease, Rollout } from '@hotpatch/api'
import { beforeEach, describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
let tool: Awaited<ReturnType<typeof server.createPublisher>>

const publish = (version: string, more = '') =>
  tool.json<PublishedRelease>(`release --platform android --version ${version} --bundle-dir dist --yes ${more}`.trim())

beforeEach(async () => {
  tool = await server.createPublisher({ key: false })
  await tool.write({ 'dist/index.android.bundle': 'console.log(1)' })
})

describe('a rollout is named', () => {
  test('by the version that it places, as an argument or an option, or by its id', async () => {
    const { rolloutId } = await publish('1.2.0')
    for (const words of ['1.2.0', '--version 1.2.0', rolloutId]) {
      expect(await tool.json<Rollout>(`rollouts show ${words}`)).toMatchObject({ id: rolloutId })
    }
    expect(await tool.json<Rollout>('rollouts pause --version 1.2.0 --yes')).toMatchObject({ state: 'paused' })
    expect(await tool.json<Rollout>('rollouts set 1.2.0 --percentage 5% --yes')).toMatchObject({ percentage: 5 })
    expect(await tool.json('rollouts guard 1.2.0')).toMatchObject({ state: expect.any(String) })
  })

  test('with its place, when the version is in several', async () => {
    await publish('1.2.0')
    const beta = await publish('1.2.0', '--channel beta')
    const { exitCode, stderr } = await tool.run('rollouts pause 1.2.0 --yes')
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/several places.*1\.2\.0 on beta for android \(active, 100 %\).*on production for android/s)
    expect(await tool.json('rollouts pause 1.2.0 --channel beta --yes')).toMatchObject({ id: beta.rolloutId })
  })

  test('and is the one that is in force, not an older one of the same version', async () => {
    const first = await publish('1.2.0')
    await tool.json(`rollouts halt ${first.rolloutId} --yes`)
    const again = await tool.json<Rollout>(`promote --release ${first.releaseId} --to production --yes`)
    expect(await tool.json('rollouts show 1.2.0')).toMatchObject({ id: again.id })
    await tool.json(`rollouts halt ${again.id} --yes`)
    expect(await tool.json('rollouts show 1.2.0')).toMatchObject({ id: again.id, state: 'halted' })
  })

  test.each([
    ['rollouts show 9.9.9', 1, /There is no rollout of 9.9.9/],
    ['rollouts show 1.2.0 --channel beta', 1, /no rollout of 1.2.0 on beta\. It is on production for android/],
    [
      'adoption 1.2.0 --channel beta',
      1,
      /No rollout there .* 1.2.0\. It is on production for android: name that place/,
    ],
    ['adoption 1.2.0 --platform ios', 1, /It is on production for android/],
    ['adoption 9.9.9 --channel beta', 1, /places the version 9.9.9\. See: rollouts list/],
    ['adoption 9.9.9', 1, /places the version 9.9.9\. See: rollouts list/],
    ['rollouts show', 2, /Name the rollout: by its id, or by the version/],
    ['rollouts show 1.2.0 --version 1.2.0', 2, /Name the rollout once/],
  ])('%s is refused', async (line, code, message) => {
    await publish('1.2.0')
    const { exitCode, stderr } = await tool.run(line)
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(message)])
  })
})
