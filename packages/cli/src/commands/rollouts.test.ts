import type { Guard, Page, PublishedArchive, Release, Rollout } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

interface Signed {
  signs: { version: string; sequence: number; keyFingerprint: string }[]
}

/** Versions 1.0.0 and 1.1.0 on staging, for android. */
async function createStaged({ signed = true } = {}) {
  const publisher = await server.createPublisher()
  await publisher.write({ 'dist/index.android.bundle': 'bundle' })
  const command = `release --platform android --bundle-dir dist --channel staging --yes${signed ? '' : ' --no-sign'} --version`
  const publish = (version: string, ...more: string[]) => publisher.json<PublishedArchive>(command, version, ...more)
  return { ...publisher, publish, old: await publish('1.0.0'), current: await publish('1.1.0') }
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
    expect(await json(`${byVersion} --to staging`)).toMatchObject({ releaseId: current.releaseId, channel: 'staging' })
  })

  test('of what is not the newest states it again, signed: devices may have seen newer statements', async () => {
    const { json, old, current } = await createStaged()
    const promote = (releaseId: string, version: string) =>
      json(`promote --release ${releaseId} --version ${version} --platform android --to production --yes`)
    expect(await promote(old.releaseId, '1.0.0')).toMatchObject({ version: '1.0.0', sequence: 3 })
    expect(await promote(current.releaseId, '1.1.0')).toMatchObject({ version: '1.1.0', sequence: 4 })
  })

  test('says what it signs, and in a dry run what it would, as the server would have it', async () => {
    const { json, run, old, current } = await createStaged()
    const promote = `promote --version 1.0.0 --platform android --from staging --to production --guard roll-back`
    const listed = async () => (await json<Page<Rollout>>('rollouts list')).items.map(({ id }) => id)
    const before = await listed()
    const dry = await json<Signed & { dryRun: boolean }>(`${promote} --rollout 20 --dry-run`)
    expect(dry).toMatchObject({ dryRun: true, releaseId: old.releaseId, percentage: 20, guard: { isOn: true } })
    expect(dry).not.toHaveProperty('id')
    expect(dry.signs).toMatchObject([
      { version: '1.0.0', sequence: 3, floor: 0, artifacts: [{ sha256: old.content.sha256 }] },
    ])
    expect(await listed()).toEqual(before)
    const done = await json<Signed>(`${promote} --rollout 20 --yes`)
    expect(done).toMatchObject({ sequence: 3, signs: dry.signs })
    expect(await json<Signed>(`promote --release ${current.releaseId} --to beta --dry-run`)).toMatchObject({
      signs: [{ version: '1.1.0', sequence: 4 }],
    })
    const refused = await run(`${promote.replace('production', 'prodution')} --dry-run --json`)
    expect([refused.exitCode, JSON.parse(refused.stderr.split('\n').at(-2) ?? '')]).toMatchObject([
      1,
      { error: { type: 'channel-not-found' } },
    ])
  })

  test('of what only an id names is not signed again without a look at it', async () => {
    const { run, old } = await createStaged()
    const promote = `promote --release ${old.releaseId} --to production`
    const refused = await run(`${promote} --yes`)
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--version and --platform') })
    const shown = await run(promote, { isTTY: true, input: 'y' })
    expect(shown).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/Signs: 1.0.0 as sequence 3, SHA-256/) })
  })

  test('says what it covers, and that devices go back', async () => {
    const { run, json, old } = await createStaged()
    await json('promote --version 1.1.0 --platform android --from staging --to production --yes')
    const named = `promote --release ${old.releaseId} --version 1.0.0 --platform android`
    const { stderr } = await run(`${named} --to production --yes`)
    expect(stderr).toContain('Covers: 1.1.0 (100 %)')
    expect(stderr).toContain('Goes back: 1.1.0 is newer, and devices on production that run it go back to 1.0.0')
    const forward = await run(`${named} --to beta --yes`)
    expect(forward.stderr).not.toMatch(/Goes back|Covers/)
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
  test('that something newer covers for everybody say so', async () => {
    const { json, run, old } = await createStaged()
    expect(await json('rollouts list')).toMatchObject({
      items: [{ coveredBy: null }, { coveredBy: { version: '1.1.0' } }],
    })
    expect((await run('rollouts list')).stdout).toMatch(/^\d+ +1\.0\.0 .* active, covered by 1\.1\.0 /m)
    expect((await run(`rollouts show ${old.rolloutId}`)).stdout).toMatch(/^covered +by 1\.1\.0 for everybody: only/m)
  })

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

describe('the audience of a rollout', () => {
  const rules = ['--rule', 'osVersion >=14 <17', '--rule', 'model in Pixel 8*,"iPhone14,3"']
  const expected = [
    { attribute: 'osVersion', range: '>=14 <17' },
    { attribute: 'model', in: ['Pixel 8*', 'iPhone14,3'] },
  ]

  test('is said when something is published, and stands in the plan', async () => {
    const { write, run, json } = await server.createPublisher()
    await write({ 'dist/index.android.bundle': 'bundle' })
    const options = [...rules, '--device', 'tester-1', '--device', 'tester-2', '--cohort', 'staff', '--rollout', '5']
    const command = ['release', '--platform', 'android', '--bundle-dir', 'dist', '--version', '1.0.0', ...options]
    const { exitCode, stdout, stderr } = await run([...command, '--yes', '--json'])
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Plan')])
    expect(stderr).toMatch(/Only +osVersion >=14 <17 and model in Pixel 8\*,"iPhone14,3"/)
    expect(stderr).toMatch(/Cohorts +staff: whatever the percentage/)
    expect(stderr).toMatch(/Devices +tester-1, tester-2: in any case/)
    const { rolloutId } = JSON.parse(stdout) as PublishedArchive
    const { items } = await json<Page<Rollout>>('rollouts list')
    expect(items).toMatchObject([
      { id: rolloutId, percentage: 5, rules: expected, devices: ['tester-1', 'tester-2'], cohorts: ['staff'] },
    ])
    const listed = await run('rollouts list')
    expect(listed.stdout).toContain(
      '5 %; osVersion >=14 <17 and model in Pixel 8*,"iPhone14,3"; cohorts staff; devices tester-1, tester-2',
    )
    const shown = await run(`rollouts show ${rolloutId}`)
    expect(shown.stdout).toContain('model in Pixel 8*,"iPhone14,3"')
  })

  test('is said when something is promoted', async () => {
    const { json, current } = await createStaged()
    const promote = `promote --release ${current.releaseId} --to production --rollout 0 --device tester-1 --yes`
    expect(await json(promote, ...rules)).toMatchObject({ percentage: 0, rules: expected, devices: ['tester-1'] })
  })

  test('is changed, list by list', async () => {
    const { json, run, current } = await createStaged()
    const set = (...options: string[]) => json(`rollouts set ${current.rolloutId} --yes`, ...options)
    expect(await set(...rules, '--cohort', 'staff')).toMatchObject({ rules: expected, cohorts: ['staff'] })
    expect(await set('--device', 'tester-1')).toMatchObject({ rules: expected, devices: ['tester-1'] })
    expect(await set('--rule', 'locale not in de')).toMatchObject({ rules: [{ attribute: 'locale', notIn: ['de'] }] })
    expect(await set('--no-rules', '--no-cohorts')).toMatchObject({ rules: [], cohorts: [], devices: ['tester-1'] })
    expect(await set('--no-devices')).toMatchObject({ devices: [], percentage: 100 })

    const command = ['rollouts', 'set', current.rolloutId, '--yes']
    for (const [options, message] of [
      [['--rule', 'model >= 8'], 'Expected a rule such as'],
      [['--rule', 'battery in full'], 'Expected a rule about osVersion'],
      [['--rule', 'osVersion >=14', '--no-rules'], 'Give --rule or --no-rules, not both'],
      [['--device', ''], 'Expected 1 to 200 characters'],
      [[], 'Say what to change'],
    ] as const) {
      const refused = await run([...command, ...options])
      expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining(message)])
    }
    expect(await json(`rollouts show ${current.rolloutId}`)).toMatchObject({ rules: [], devices: [] })
  })
})

describe('rollback', () => {
  test('says what it signs, and in a dry run what it would', async () => {
    const { json, run } = await createStaged()
    const listed = async () => (await json<Page<Rollout>>('rollouts list')).items.length
    const before = await listed()
    const line = 'rollback --platform android --channel staging --version 1.0.0'
    const { stdout, stderr, exitCode } = await run(`${line} --dry-run --json`)
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Signs: 1.0.0 as sequence 3')])
    const dry = JSON.parse(stdout) as Signed
    expect(dry).toMatchObject({ dryRun: true, version: '1.0.0', signs: [{ version: '1.0.0', sequence: 3 }] })
    expect(await listed()).toBe(before)
    expect(await json<Signed>(`${line} --yes`)).toMatchObject({ sequence: 3, signs: dry.signs })
    const embedded = 'rollback --platform android --channel staging --to embedded --yes'
    expect(await json<Signed>(embedded)).toMatchObject({ signs: [{ target: 'embedded', sequence: 4 }] })
    // A token that may only look is told so beforehand.
    const { token } = await json<{ token: string }>('tokens create --name looks --role reader --yes')
    const refused = await run(`${line} --dry-run --token ${token} --json`)
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('"status":403')])
  })

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

  test('signs where its guard may go back to, below what it rolls back from', async () => {
    const { json, run, current, publish } = await createStaged()
    await publish('1.2.0')
    const steps = [
      { version: '1.1.0', sequence: 4 },
      { version: '1.0.0', sequence: 5 },
      { target: 'embedded', sequence: 6 },
    ]
    const line = 'rollback --platform android --channel staging --version 1.1.0 --guard roll-back'
    const dry = await run(`${line} --dry-run --json`)
    expect(dry.stderr).toContain('In advance 1: 1.0.0 as sequence 5')
    expect((JSON.parse(dry.stdout) as Signed).signs).toMatchObject(steps)
    const placed = await json<Signed & { id: string }>(`${line} --yes`)
    expect(placed).toMatchObject({ releaseId: current.releaseId, sequence: 4, signs: steps })
    expect(await json<Guard>(`rollouts guard ${placed.id}`)).toMatchObject({
      settings: { action: 'roll-back' },
      goesBackTo: { version: '1.0.0', isPrepared: true },
      prepared: [
        { version: '1.0.0', sequence: 5 },
        { version: null, sequence: 6 },
      ],
    })
    const unwatched = await json<Signed>(`${line.replace('roll-back', 'off')} --yes`)
    expect(unwatched.signs).toMatchObject([{ version: '1.1.0', sequence: 7 }])
    const refused = await run('rollback --platform android --to embedded --guard roll-back --yes')
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('embedded has no guard')])
  })

  test('by halting places again what is watched as the halted one was, with its steps back', async () => {
    const { json, publish } = await createStaged()
    const { rolloutId } = await publish('1.2.0', '--guard', 'roll-back')
    const { placed } = await json<{ placed: Signed & { id: string } }>(
      `rollouts halt ${rolloutId} --restate 1.0.0 --yes`,
    )
    expect(placed.signs).toMatchObject([{ version: '1.0.0' }, { target: 'embedded' }])
    expect(await json<Guard>(`rollouts guard ${placed.id}`)).toMatchObject({
      settings: { action: 'roll-back' },
      goesBackTo: null,
      prepared: [{ version: null }],
    })
  })

  test('never goes by the default channel of the project file without a word', async () => {
    const { json, run, write, app } = await createStaged()
    await write({ 'hotpatch.json': JSON.stringify({ app: app.slug, defaults: { channel: 'staging' } }) })
    const command = 'rollback --platform android --version 1.0.0'
    const script = await run(`${command} --yes`)
    expect(script).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--channel staging, or --channel production'),
    })
    const person = await run(command, { isTTY: true, input: 'n' })
    expect(person.stderr).toMatch(/Channel: staging, the default of .*hotpatch.json/)
    expect(await json(`${command} --channel staging --yes`)).toMatchObject({ channel: 'staging', version: '1.0.0' })
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
    // Where it is, for whoever forgot to name that place.
    expect(await run('rollback --version 1.0.0 --platform android --channel beta --yes')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/never had the version 1\.0\.0 on beta .* It is on staging for android/),
    })
  })
})

describe('rollouts guard', () => {
  test('says in words what watches a rollout, and changes it', async () => {
    const { json, run, current } = await createStaged()
    const command = `rollouts guard ${current.rolloutId}`
    const shown = (await run(command)).stdout
    expect(shown).toMatch(/pauses it when more than 5 % of at least 50 devices within 24 h are bad/)
    expect(shown).toMatch(/tried it +no devices yet/)
    expect(shown).toMatch(/would trip at +\d+ bad of 50/)
    const settings = '--action roll-back --limit 1.5% --sample 100 --window 2d --times off'
    expect((await json<Guard>(`${command} ${settings} --yes`)).settings).toEqual({
      isOn: true,
      action: 'roll-back',
      maxBadPercent: 1.5,
      minimumSample: 100,
      windowHours: 48,
      maxTimesPrevious: null,
    })
    expect((await run(command)).stdout).toMatch(/goes back to +1\.0\.0/)
    expect((await json<Guard>(`${command} --action off --yes`)).settings.isOn).toBe(false)
    expect((await json<Guard>(`${command} --rearm --yes`)).state).toBe('watching')
  })

  test.each([
    '--limit 0',
    '--limit 101',
    '--sample 9',
    '--window 31d',
    '--times 0.5',
    '--action explode',
    '--rearm --limit 1',
  ])('refuses %s', async (options) => {
    const { run, current } = await createStaged()
    expect(await run(`rollouts guard ${current.rolloutId} ${options} --yes`)).toMatchObject({ exitCode: 2 })
  })
})
