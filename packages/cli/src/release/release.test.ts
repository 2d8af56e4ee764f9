import type { App } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { readProject } from '../config/project-file.ts'
import { UsageError } from '../errors.ts'
import { describePlan, metadataOf, planJson, statementOf, type ReleasePlan } from './release-plan.ts'
import { findBundleSource, readWishes } from './release-wishes.ts'

const projectWith = (json: object) => readProject(JSON.stringify(json), '/app/hotpatch.json')

describe('what to publish', () => {
  test('is what the table of options says when nothing is said', () => {
    expect(readWishes({ version: '1.2.0', platform: 'ios' }, undefined)).toEqual({
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
    expect(readWishes({ version: '1' }, project)).toMatchObject({
      platform: 'android',
      channel: 'beta',
      percentage: 5,
      mandatory: true,
      requirement: { minNativeVersion: '2.0', nativeRange: '<9' },
    })
    const options = { version: '1', channel: 'staging', rollout: 0, mandatory: false, minNative: '3.0' }
    expect(readWishes(options, project)).toMatchObject({
      channel: 'staging',
      percentage: 0,
      mandatory: false,
      requirement: { minNativeVersion: '3.0', nativeRange: '<9' },
    })
  })

  test('needs a platform that the project has', () => {
    const both = projectWith({ platforms: ['android', 'ios'] })
    expect(() => readWishes({ version: '1' }, undefined)).toThrow(UsageError)
    expect(() => readWishes({ version: '1' }, both)).toThrow(UsageError)
    expect(() => readWishes({ version: '1', platform: 'web' }, both)).toThrow(
      /lists the platforms android, ios, not web/,
    )
  })
})

describe('where the bundle comes from', () => {
  const options = { version: '1' }

  test('is the bundler, in the folder of the project', () => {
    expect(findBundleSource(options, 'ios', undefined, '/app')).toEqual({
      kind: 'build',
      platform: 'ios',
      projectDirectory: '/app',
      entryFile: 'index.js',
      buildDirectory: '/app/build',
    })
  })

  test('is relative to the command for options, and to the project file for its own', () => {
    const project = projectWith({ defaults: { entryFile: 'src/main.js', buildDir: 'out' } })
    const source = (more: object) => findBundleSource({ ...options, ...more }, 'ios', project, '/app/src/deep')
    expect(source({})).toMatchObject({ entryFile: 'src/main.js', buildDirectory: '/app/out', projectDirectory: '/app' })
    expect(source({ entryFile: 'x.js', buildDir: '../y' })).toMatchObject({
      entryFile: 'src/deep/x.js',
      buildDirectory: '/app/src/y',
    })
    expect(source({ bundleDir: 'z' })).toEqual({ kind: 'prebuilt', directory: '/app/src/deep/z' })
  })

  test('is a folder for platforms that the bundler does not know', () => {
    expect(() => findBundleSource(options, 'web', undefined, '/app')).toThrow(/--bundle-dir/)
    expect(findBundleSource({ ...options, bundleDir: 'w' }, 'web', undefined, '/app').kind).toBe('prebuilt')
  })
})

describe('the plan', () => {
  const key = { path: '/k.pem', publicKey: 'raw', fingerprint: 'abcd', sign: () => '' }
  const plan: ReleasePlan = {
    ...readWishes({ version: '1.2.0', platform: 'android', rollout: 12.5, minNative: '2.1', floor: 4 }, undefined),
    app: { id: 'app-id', slug: 'shop' } as App,
    bundle: {
      directory: '/app/build',
      files: [{ name: 'index.android.bundle', path: '', sizeBytes: 1 }],
      zip: { path: '', sha256: 'ab'.repeat(32), sizeBytes: 1234 },
    },
    signing: { kind: 'signed', key, isFirst: true },
  }

  test('says what will happen', () => {
    expect(describePlan(plan)).toBe(
      [
        'Plan',
        '  Release  shop 1.2.0 for android',
        '  Bundle   1 file of /app/build, zipped 1.23 kB',
        `  SHA-256  ${'ab'.repeat(32)}`,
        '  Reaches  12.5 % of the devices on production, at their next start',
        '  Needs    native version 2.1 or newer',
        '  Floor    devices that have it never go below sequence 4',
        '  Signed   with the key abcd (/k.pem)',
        '  ! This registers your key as the first signing key of shop: from now on it takes signed releases only.',
      ].join('\n'),
    )
  })

  test('says what is missing', () => {
    const text = describePlan({
      ...plan,
      mandatory: true,
      requirement: {},
      bundle: { ...plan.bundle, files: [] },
      signing: { kind: 'unsigned', reason: '--no-sign' },
    })
    expect(text).toContain('at once (mandatory)')
    expect(text).toContain('nothing special of the native app')
    expect(text).toContain('no: --no-sign')
    expect(text).toContain('Devices cannot tell who made an unsigned release.')
    expect(text).toContain('There is no index.android.bundle in it')
  })

  test('is what is sent and signed', () => {
    expect(metadataOf(plan)).toEqual({
      platform: 'android',
      version: '1.2.0',
      channel: 'production',
      mandatory: false,
      percentage: 12.5,
      minNativeVersion: '2.1',
      sha256: 'ab'.repeat(32),
      sizeBytes: 1234,
    })
    expect(statementOf(plan)).toEqual({
      appId: 'app-id',
      platform: 'android',
      target: 'release',
      version: '1.2.0',
      floor: 4,
      requirement: { minNativeVersion: '2.1' },
      artifacts: [{ name: 'bundle.zip', sha256: 'ab'.repeat(32), sizeBytes: 1234 }],
    })
    expect(planJson(plan)).toMatchObject({ dryRun: true, app: 'shop', percentage: 12.5, fileCount: 1, signed: true })
  })
})
