import { statedArchive } from '@hotpatch/protocol'
import type { App } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { readPlanSteps, readPlanWindow } from '../arguments/plan-readers.ts'
import { readProject, type Project } from '../config/project-file.ts'
import { UsageError } from '../errors/errors.ts'
import { describePlan, metadataOf, planJson, statementOf, type ReleasePlan } from './release-plan.ts'
import { findContentInput, readWishes } from './release-wishes.ts'
import { choosePlatform, choosePlatforms } from './several-platforms.ts'

const placeOf = (cwd: string, project?: Project) => ({ cwd, project, capacitor: undefined })
const projectWith = (json: object) => readProject(JSON.stringify(json), '/app/hotpatch.json')

describe('what to publish', () => {
  test('is what the table of options says when nothing is said', () => {
    expect(readWishes({ version: '1.2.0' }, 'ios', undefined)).toEqual({
      platform: 'ios',
      version: '1.2.0',
      channel: 'production',
      percentage: 100,
      mandatory: false,
      requirement: {},
      notes: undefined,
      floor: 0,
    })
  })

  test('comes from options before the project file', () => {
    const defaults = { channel: 'beta', rollout: 5, mandatory: true, minNative: '2.0', nativeRange: '<9' }
    const project = projectWith({ platforms: ['android'], defaults })
    expect(readWishes({ version: '1' }, 'android', project)).toMatchObject({
      platform: 'android',
      channel: 'beta',
      percentage: 5,
      mandatory: true,
      requirement: { minNativeVersion: '2.0', nativeRange: '<9' },
    })
    const options = { version: '1', channel: 'staging', rollout: 0, mandatory: false, minNative: '3.0' }
    expect(readWishes(options, 'android', project)).toMatchObject({
      channel: 'staging',
      percentage: 0,
      mandatory: false,
      requirement: { minNativeVersion: '3.0', nativeRange: '<9' },
    })
  })

  test('needs a platform that the project has', () => {
    const both = projectWith({ platforms: ['android', 'ios'] })
    expect(() => choosePlatforms(undefined, undefined)).toThrow(UsageError)
    expect(choosePlatforms(undefined, both)).toEqual(['android', 'ios'])
    expect(choosePlatforms(['ios'], both)).toEqual(['ios'])
    expect(() => choosePlatforms(['ios', 'web'], both)).toThrow(/lists the platforms android, ios, not web/)
    // A roll-back is about one.
    expect(() => choosePlatform(undefined, both)).toThrow(/one at a time/)
    expect(choosePlatform('ios', both)).toBe('ios')
  })
})

describe('where the bundle comes from', () => {
  const options = { version: '1' }

  test('is the bundler, in the folder of the project', () => {
    expect(findContentInput(options, 'ios', placeOf('/app'))).toEqual({
      kind: 'project',
      entryFile: 'index.js',
      buildDirectory: '/app/build',
      isForHermes: false,
    })
  })

  test('is relative to the command for options, and to the project file for its own', () => {
    const project = projectWith({ defaults: { entryFile: 'src/main.js', buildDir: 'out' } })
    const source = (more: object) => findContentInput({ ...options, ...more }, 'ios', placeOf('/app/src/deep', project))
    expect(source({})).toMatchObject({ entryFile: 'src/main.js', buildDirectory: '/app/out' })
    expect(source({ entryFile: 'x.js', buildDir: '../y' })).toMatchObject({
      entryFile: 'src/deep/x.js',
      buildDirectory: '/app/src/y',
    })
    expect(source({ bundleDir: 'z' })).toEqual({ kind: 'folder', path: '/app/src/deep/z' })
    expect(source({ bundle: 'z.zip' })).toEqual({ kind: 'file', path: '/app/src/deep/z.zip' })
  })

  test('is a zip or a folder, and what is ready is not compiled', () => {
    const find = (more: object) => findContentInput({ ...options, ...more }, 'ios', placeOf('/app'))
    expect(() => find({ bundle: 'a.zip', bundleDir: 'a' })).toThrow(/not both/)
    expect(() => find({ bundle: 'a.zip', hermes: true })).toThrow(/--bundle runs no bundler/)
    expect(() => find({ bundleDir: 'a', hermes: true })).toThrow(/--bundle-dir runs no bundler/)
  })
})

describe('the plan', () => {
  const key = { path: '/k.pem', publicKey: 'raw', fingerprint: 'abcd', sign: () => '' }
  const released = { version: '1.2.0', rollout: 12.5, minNative: '2.1', floor: 4 } as const
  const zip = { sha256: 'ab'.repeat(32), sizeBytes: 1234 }
  const own = statementOf({ id: 'app-id' }, readWishes(released, 'android', undefined), statedArchive(zip))
  const back = {
    ...own,
    version: '1.1.0',
    floor: 2,
    ...statedArchive({ sha256: 'cd'.repeat(32), sizeBytes: 5 }),
  }
  const plan: ReleasePlan = {
    ...readWishes(released, 'android', undefined),
    app: { id: 'app-id', slug: 'shop' } as App,
    bundle: {
      ...zip,
      uploads: [],
      stated: statedArchive(zip),
      content: { kind: 'archive', ...zip },
      description: {
        lines: {
          Bundle: '1 file of /app/build, zipped 1.23 kB',
          Entry: 'index.android.bundle, Hermes bytecode, version 96',
          'SHA-256': 'ab'.repeat(32),
        },
        json: {
          content: { kind: 'archive', ...zip, fileCount: 1 },
          entry: { name: 'index.android.bundle', kind: 'hermes', bytecodeVersion: 96 },
        },
      },
    },
    requirementSource: undefined,
    inForce: [],
    existing: null,
    findings: [],
    signing: { kind: 'signed', key, isFirst: true, contents: [own], sequence: 7, findNext: async () => 8 },
    signingWarnings: [],
    backTo: null,
    reach: undefined,
    answers: { plan: undefined, isOfExpo: false, warnings: [] },
    extras: {},
  }

  test('says how many of the known devices it would reach', () => {
    const missed = [{ reason: 'native-too-old', explanation: '', devices: 300 }]
    const reach = { devices: 1_000, reached: 88, alreadyRunning: 2, missed, judged: 1_000, isExact: false }
    const [line] = describePlan({ ...plan, reach }).match(/Known devices.*/) ?? []
    expect(line).toMatch(/about 88 of 1,?000 devices would get it now \(not: 2 run it already, 300 native-too-old\)/)
    const nobody = { devices: 0, reached: 0, alreadyRunning: 0, missed: [], judged: 0, isExact: true }
    expect(describePlan({ ...plan, reach: nobody })).toMatch(/Known devices {2}none on this channel yet/)
  })

  test('says what will happen', () => {
    expect(describePlan(plan)).toBe(
      [
        'Plan',
        '  Release  shop 1.2.0 for android',
        '  Bundle   1 file of /app/build, zipped 1.23 kB',
        '  Entry    index.android.bundle, Hermes bytecode, version 96',
        `  SHA-256  ${'ab'.repeat(32)}`,
        '  Reaches  12.5 % of the devices on production, at their next start',
        '  Guard    pauses it when more than 5 % of at least 50 devices within 24 h are bad, or it is 2 times as bad as the release before',
        '  Needs    native version 2.1 or newer',
        '  Floor    devices that have it never go below sequence 4',
        '  Signed   with the key abcd (/k.pem)',
        `  Signs    1.2.0 as sequence 7, SHA-256 ${'ab'.repeat(32)}, floor 4, needs native version 2.1 or newer`,
        '  ! This registers your key as the first signing key of shop: from now on it takes signed releases only.',
      ].join('\n'),
    )
  })

  test('says where it goes back to by itself', () => {
    const guarded = (options: object): ReleasePlan => ({
      ...plan,
      ...readWishes({ version: '1.2.0', ...options }, 'android', undefined),
    })
    const backTo = '1.1.0'
    const signing = {
      kind: 'signed',
      key,
      isFirst: true,
      contents: [own, back],
      sequence: 7,
      findNext: async () => 8,
    } as const
    const rollsBack = guarded({ guard: 'roll-back', guardLimit: 2, guardWindow: 48, guardTimes: 'off' })
    const prepared = describePlan({ ...rollsBack, backTo, signing })
    expect(prepared).toContain('back to 1.1.0, signed in advance')
    expect(prepared).toContain(
      `1.1.0 as sequence 8, SHA-256 ${'cd'.repeat(32)}, floor 2, needs native version 2.1 or newer`,
    )
    expect(planJson({ ...rollsBack, backTo, signing })).toMatchObject({
      backTo,
      signs: [
        { version: '1.2.0', sequence: 7, floor: 4 },
        { version: '1.1.0', sequence: 8, floor: 2, artifacts: back.artifacts },
      ],
    })
    expect(describePlan(rollsBack)).toContain('back to what the app binary shipped with')
    const unsigned = { kind: 'unsigned', reason: '--no-sign' } as const
    expect(describePlan({ ...rollsBack, backTo, signing: unsigned })).toMatch(/back to 1.1.0$/m)
    expect(describePlan(rollsBack)).toMatch(
      /Guard +rolls it back when more than 2 % of at least 50 devices within 48 h are bad$/m,
    )
    expect(metadataOf(rollsBack).guard).toEqual({
      isOn: true,
      action: 'roll-back',
      maxBadPercent: 2,
      windowHours: 48,
      maxTimesPrevious: null,
    })
    expect(describePlan(guarded({ guard: 'off' }))).toContain('off: nothing stops it by itself')
    expect(() => guarded({ guard: 'off', guardLimit: 2 })).toThrow(UsageError)
    const app = { ...plan.app, guard: { action: 'roll-back' as const } }
    expect(describePlan({ ...plan, app, backTo })).toContain('If it goes wrong')
  })

  test('says how it goes on by itself', () => {
    const options = {
      plan: readPlanSteps('1%:1h:50,10%:4h,100%'),
      window: readPlanWindow('Mon-Fri 09:00-17:00 Europe/Berlin'),
      startAt: '2030-01-31T12:00:00.000Z',
    }
    const wishes = readWishes({ version: '1.2.0', ...options }, 'android', undefined)
    const text = describePlan({ ...plan, ...wishes })
    expect(text).toContain('  Reaches  1 % of the devices on production')
    expect(text).toContain('  Starts   2030-01-31T12:00:00.000Z')
    expect(text).toContain('  Steps    1 % for 1h and until 50 devices have tried it, then 10 % for 4h, then 100 %')
    expect(text).toContain('  Goes on  Mon-Fri 09:00-17:00 Europe/Berlin')
    const metadata = metadataOf({ ...plan, ...wishes })
    expect(metadata).toMatchObject({
      plan: { steps: options.plan, windows: options.window },
      startsAt: options.startAt,
    })
    expect(metadata).not.toHaveProperty('percentage')
    expect(() => readWishes({ version: '1', window: options.window }, 'ios', undefined)).toThrow(UsageError)
  })

  test('says what becomes of what the channel has', () => {
    const inForce = [
      { rolloutId: 'b', version: '1.1.0', state: 'paused', percentage: 50 },
      { rolloutId: 'a', version: null, state: 'active', percentage: 100 },
    ]
    expect(describePlan({ ...plan, inForce })).toMatch(
      /On top of +1.1.0 \(paused, 50 %\), embedded \(100 %\): as before/,
    )
    expect(describePlan({ ...plan, percentage: 100, inForce })).toMatch(/Covers +1.1.0 .*only devices that cannot take/)
  })

  test('says what is not published, what was chosen and what is odd', () => {
    const finding = { check: 'secret', severity: 'warning', expected: 'x', found: 'y', advice: 'z.' } as const
    const requirement = { nativeRange: '<=2.0.0' }
    const source = 'versionName in android/app/build.gradle'
    const text = describePlan({
      ...plan,
      requirement,
      requirementSource: source,
      findings: [finding],
    })
    expect(text).toContain(`native version <=2.0.0 (${source}; another: --native-range)`)
    expect(text).toContain('! secret: expected x, found y. z.')
  })

  test('says what is missing', () => {
    const text = describePlan({
      ...plan,
      mandatory: true,
      requirement: {},
      signing: { kind: 'unsigned', reason: '--no-sign' },
    })
    expect(text).toContain('at once (mandatory)')
    expect(text).toContain('nothing special of the native app')
    expect(text).toContain('no: --no-sign')
    expect(text).toContain('Devices cannot tell who made an unsigned release.')
  })

  test('is what is sent and signed', () => {
    expect(metadataOf(plan)).toEqual({
      platform: 'android',
      version: '1.2.0',
      channel: 'production',
      mandatory: false,
      percentage: 12.5,
      minNativeVersion: '2.1',
      content: { kind: 'archive', sha256: 'ab'.repeat(32), sizeBytes: 1234 },
    })
    expect(own).toEqual({
      appId: 'app-id',
      platform: 'android',
      target: 'release',
      version: '1.2.0',
      floor: 4,
      requirement: { minNativeVersion: '2.1' },
      content: { kind: 'archive' },
      artifacts: [{ name: 'bundle.zip', sha256: 'ab'.repeat(32), sizeBytes: 1234 }],
    })
    const content = { kind: 'archive', ...zip, fileCount: 1 }
    expect(planJson(plan)).toMatchObject({ dryRun: true, app: 'shop', percentage: 12.5, content, signed: true })
  })
})
