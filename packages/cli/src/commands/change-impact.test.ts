import type { Adoption, Guard, Impact, NextSequence, PublishedRelease, Rollout, SigningKey } from '@hotpatch/api'
import { eventually } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

interface Shown {
  fingerprint: string
}

/** 1.0.0 and 1.1.0 on production for android, and phones that say what they have confirmed. */
async function createFleet() {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  const { app, json, write } = publisher
  await write({ 'dist/index.android.bundle': 'bundle' })
  const publish = (version: string, ...more: string[]) =>
    json<PublishedRelease>('release --platform android --bundle-dir dist --yes --version', version, ...more)
  const old = await publish('1.0.0')
  const current = await publish('1.1.0')
  const { fingerprint } = await json<Shown>('keys show')

  async function check(deviceId: string, runs: PublishedRelease | null, highestSequence: number, more = {}) {
    const release = runs ? { version: runs.version, currentReleaseId: runs.releaseId } : { version: '1.0' }
    const trust = { highestSequence, trustedKeys: [fingerprint] }
    const body = { appId: app.id, deviceId, platform: 'android', channel: 'production', ...release, ...trust, ...more }
    const headers = { 'content-type': 'application/json', 'x-app-key': app.appKey }
    const answer = await fetch(`${server.url()}/update/check`, { method: 'POST', headers, body: JSON.stringify(body) })
    return (await answer.json()) as { updateAvailable: boolean; version?: string }
  }
  async function phones(count: number, runs: PublishedRelease | null, highestSequence: number, more = {}) {
    for (let index = 0; index < count; index += 1) await check(`phone-${index}`, runs, highestSequence, more)
  }
  return { ...publisher, publish, check, phones, old, current }
}

describe('before a yes', () => {
  test('halting a roll-back to embedded says who is left behind, and brings them home when it is told to', async () => {
    const { json, run, phones, check, current } = await createFleet()
    await phones(3, current, 2)
    const back = await run('rollback --platform android --to embedded --yes --json')
    expect(back.stderr).toMatch(/^Known devices: 3 of 3 devices would run something else: 3 from 1\.1\.0 to embedded$/m)
    expect(back.stderr).toMatch(/^Takes back: 3 devices to an older release than they run$/m)
    const mistake = JSON.parse(back.stdout) as Rollout & { impact: Impact }
    expect(mistake).toMatchObject({ sequence: 3, impact: { changed: 3, goBack: 3, isExact: true } })
    await phones(3, null, 3)

    const halted = await json<Rollout & { impact: Impact; placed: Rollout }>(
      `rollouts halt ${mistake.id} --restate 1.1.0 --yes`,
    )
    expect(halted).toMatchObject({
      state: 'halted',
      impact: { stranded: 3, wayOut: { version: '1.1.0', sequence: 4, stranded: 0 } },
      placed: { version: '1.1.0', sequence: 4, state: 'active' },
    })
    expect(await check('phone-0', null, 3)).toMatchObject({ updateAvailable: true, version: '1.1.0' })
  })

  test('halting a second mistake offers what is below both, instead of what the binary shipped with', async () => {
    const { json, run, phones, check, publish, current } = await createFleet()
    const second = await publish('1.2.0')
    await phones(3, second, 3)
    await json(`rollouts halt ${current.rolloutId} --yes`)
    const { stdout, stderr } = await run(`rollouts halt ${second.rolloutId} --restate 1.0.0 --yes --json`)
    expect(stderr).toMatch(/^Falls to embedded: 3 devices would go to what the app binary shipped with/m)
    expect(stderr).toMatch(/^Way out: 1\.0\.0, stated again as sequence 4 and placed on top, reaches all of them\.$/m)
    expect(JSON.parse(stdout)).toMatchObject({ impact: { stranded: 0, dropped: 3 }, placed: { version: '1.0.0' } })
    expect(await check('phone-0', second, 3)).toMatchObject({ updateAvailable: true, version: '1.0.0' })
  })

  test('halting alone with --yes says what to add', async () => {
    const { json, run, phones, current } = await createFleet()
    const mistake = await json<Rollout>('rollback --platform android --to embedded --yes')
    await phones(2, null, 3)
    const { stderr, stdout } = await run(`rollouts halt ${mistake.id} --yes --json`)
    expect(stderr).toMatch(/^Left behind: 2 devices would stay on what was taken back/m)
    expect(stderr).toMatch(/^Way out: 1\.1\.0, stated again as sequence 4 and placed on top, reaches all of them\.$/m)
    expect(stderr).toMatch(/^They are left where they are: .*--restate 1\.1\.0\.$/m)
    expect(JSON.parse(stdout)).toMatchObject({ state: 'halted', placed: null, impact: { stranded: 2 } })
    expect(await json(`rollouts show ${current.rolloutId}`)).toMatchObject({ state: 'active' })
    // Whoever looks at what was meant for them sees that, and why.
    const { takers } = await json<Adoption>('adoption 1.1.0')
    expect(takers).toMatchObject({
      audience: 2,
      canTake: 0,
      refuse: [{ reason: 'below-high-water', devices: 2 }],
      needOtherBinary: [],
      isSample: false,
    })
    const shown = (await run('adoption 1.1.0')).stdout
    expect(shown).toMatch(/^It is for: 2 devices now, of those that are known, counted /m)
    expect(shown).toMatch(/^Can take it: 0 devices, 0 of them have still to try it$/m)
    expect(shown).toMatch(/^Would refuse it: 2 devices\n {2}2 below-high-water: The device has confirmed a release/m)
    expect(shown).not.toMatch(/another binary|sample|never told/)
  })

  test('a promotion of what is older says whom it takes back, and prepares two steps back, below that', async () => {
    const { json, run, phones, publish } = await createFleet()
    await phones(2, await publish('1.2.0'), 3)
    const line = 'promote --version 1.1.0 --from production --platform android --to production --yes --json'
    const { stderr, stdout } = await run(`${line} --guard roll-back`)
    expect(stderr).toMatch(/^Takes back: 2 devices to an older release than they run$/m)
    const placed = JSON.parse(stdout) as Rollout & { impact: Impact }
    expect(placed).toMatchObject({ sequence: 4, impact: { moves: [{ from: '1.2.0', to: '1.1.0', devices: 2 }] } })
    expect((await json<Guard>(`rollouts guard ${placed.id}`)).prepared).toEqual([
      { version: '1.0.0', sequence: 5 },
      { version: null, sequence: 6 },
    ])
    const beta = 'promote --version 1.1.0 --from production --platform android --to beta --yes --guard roll-back'
    // Nothing was there before that could be gone back to.
    expect((await json<Guard>(`rollouts guard ${(await json<Rollout>(beta)).id}`)).prepared).toEqual([])
  })

  test('a publish with a guard that rolls back prepares two steps', async () => {
    const { json, publish } = await createFleet()
    const { rolloutId } = await publish('1.2.0', '--guard', 'roll-back')
    expect((await json<Guard>(`rollouts guard ${rolloutId}`)).prepared).toEqual([
      { version: '1.1.0', sequence: 4 },
      { version: '1.0.0', sequence: 5 },
    ])
  })

  test('the adoption of what asks for a newer binary says who waits for one', async () => {
    const { run, phones, check, publish, current } = await createFleet()
    await phones(2, current, 2, { nativeVersion: '1.0' })
    await check('new-shell', current, 2, { nativeVersion: '2.0' })
    await check('silent', current, 2, { nativeVersion: '2.0', highestSequence: undefined, trustedKeys: undefined })
    await publish('1.2.0', '--min-native', '2.0')
    const { stdout } = await run('adoption 1.2.0')
    expect(stdout).toMatch(/^It is for: 4 devices now/m)
    expect(stdout).toMatch(/^Can take it: 2 devices, 2 of them have still to try it$/m)
    expect(stdout).toMatch(/^Wait for another binary: 2 devices\n {2}2 native-[a-z-]+: /m)
    expect(stdout).toMatch(/^1 device never told which keys and sequences they take, and may refuse it, too$/m)
    expect(stdout).not.toContain('Would refuse')
  })

  test('a new key says which binaries do not hold it, and a release signed by it whom it misses', async () => {
    const { json, run, phones, current } = await createFleet()
    await phones(4, current, 2)
    await json('keys generate --key other.pem')
    const { stderr, stdout } = await run('keys add --key other.pem --yes --json')
    expect(stderr).toMatch(/^Known devices: 4 of 4 have a binary without this key\. /m)
    expect(JSON.parse(stdout)).toMatchObject({ impact: { cannotTake: [{ reason: 'key-not-trusted', devices: 4 }] } })
    const dry = await run('release --platform android --bundle-dir dist --version 2.0.0 --key other.pem --dry-run')
    expect(dry.stderr).toMatch(/Known devices +0 of 4 devices would get it now \(not: 4 key-not-trusted\)/)
    const { items } = await json<{ items: (SigningKey & Shown)[] }>('keys list')
    const revoked = await run(`keys revoke ${items[0]?.id} --yes --json`)
    expect(revoked.stderr).toMatch(/^Known devices: 4 of 4 hold none of the keys that are left\. /m)
  })
})

describe('the next sequence', () => {
  test('is set for a platform, shown with what is known, and never lowered', async () => {
    const { json, run, app } = await createFleet()
    const set = (line: string) => run(`apps set ${line} --yes --json`)
    const { stderr, stdout } = await set('--next-sequence 21 --platform android')
    expect(stderr).toMatch(/^android: 2 was taken last\.$/m)
    expect((JSON.parse(stdout) as { items: NextSequence[] }).items).toMatchObject([{ nextSequence: 21, taken: 20 }])
    expect(
      (await json<PublishedRelease>('release --platform android --bundle-dir dist --yes --version', '1.2.0')).sequence,
    ).toBe(21)
    expect(await set('--next-sequence 5')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('at least 22'),
    })
    expect(await set('--next-sequence 30 --name other')).toMatchObject({ exitCode: 2 })
    expect(await set('--platform android')).toMatchObject({ exitCode: 2 })
    expect(await json(`apps show ${app.slug}`)).toMatchObject({ slug: app.slug })
  })

  test('is looked at by doctor, who tells a claim from a finding', async () => {
    const { run, phones, current } = await createFleet()
    expect((await run('doctor')).stdout).toMatch(/^✓ sequence-android: No device has seen more than the server/m)
    await phones(3, current, 9)
    // What devices do is written in batches, a little later.
    await eventually(async () => {
      const { stdout } = await run('doctor')
      expect(stdout).toMatch(/^✓ sequence-android: 3 devices say to have confirmed 9, .* too few/m)
    })
  })
})
