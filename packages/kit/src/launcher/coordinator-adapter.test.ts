import { createNodeCrypto } from '@hotpatch/client/node'
import { createVirtualClock } from '@hotpatch/client/memory'
import { sha256Of, zipOf } from '@hotpatch/testkit'
import { writeZip } from '@hotpatch/testkit/archives'
import { describe, expect, test } from 'vitest'
import type { ComponentWork } from '../components/component-adapter.ts'
import { createLossyDisk, PowerCutError, type LossyDisk, type Survival } from '../testing/lossy-disk.ts'
import { confirmCoordinator } from './confirm-coordinator.ts'
import { coordinatorAdapter } from './coordinator-adapter.ts'
import { beforeStart, COORDINATOR_ENTRY, COORDINATOR_VERSIONS, POINTER_FILE, readPointer } from './launcher.ts'

const WORK_PATH = '.kit/transactions/t/work/coordinator'

interface Archive {
  version: string
  bytes: Uint8Array
  sha256: string
}

async function archiveOf(version: string, files?: Record<string, string>): Promise<Archive> {
  const bytes = await zipOf(files ?? { [COORDINATOR_ENTRY]: `// ${version}`, 'lib/deep/part.mjs': version })
  return { version, bytes, sha256: sha256Of(bytes) }
}

/** As nobody packs by mistake. */
async function leadingOut(): Promise<Archive> {
  const { bytes, version } = await archiveOf('3.0.0', { 'xx/evil.mjs': '', [COORDINATOR_ENTRY]: '' })
  const hostile = Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('xx/', '../'), 'latin1')
  return { version, bytes: hostile, sha256: sha256Of(hostile) }
}

const OLD = await archiveOf('1.0.0')
const NEW = await archiveOf('2.0.0')

function workOf(disk: LossyDisk, { version, bytes, sha256 }: Archive): ComponentWork {
  const file = { platform: 'linux', architecture: 'any', format: 'zip', sha256, sizeBytes: bytes.length } as const
  const component = {
    id: 'coordinator',
    kind: 'coordinator',
    version,
    order: 99,
    files: [file],
    supportsRollback: true,
    isOptional: false,
  } as const
  return {
    step: { component, installed: undefined, file },
    place: { path: 'coordinator' },
    installation: {} as ComponentWork['installation'],
    artifactPath: `.kit/artifacts/${sha256}`,
    workPath: WORK_PATH,
    ports: {
      disk,
      hooks: { run: () => Promise.reject(new Error('nothing is run')) },
      clock: createVirtualClock({ whenIdle: setImmediate }),
      crypto: createNodeCrypto(),
    },
  }
}

async function put(disk: LossyDisk, { bytes, sha256 }: Archive): Promise<void> {
  await disk.makeDirectory('.kit/artifacts')
  await disk.write(`.kit/artifacts/${sha256}`, bytes)
  for (const folder of ['', '.kit', '.kit/artifacts']) await disk.syncDirectory(folder)
}

async function pointerOf(disk: LossyDisk) {
  const bytes = (await disk.stat(POINTER_FILE)) && (await disk.read(POINTER_FILE))
  return readPointer(bytes && new TextDecoder().decode(bytes))
}

async function forward(disk: LossyDisk, archive: Archive): Promise<void> {
  const work = workOf(disk, archive)
  await coordinatorAdapter.prepare(work)
  await coordinatorAdapter.apply(work)
}

async function cleanUp(disk: LossyDisk, archive: Archive): Promise<void> {
  await coordinatorAdapter.cleanUp(workOf(disk, archive))
  await disk.remove('.kit/transactions')
  await disk.syncDirectory('.kit')
}

/** One that has the old one, confirmed. */
async function withOld(): Promise<LossyDisk> {
  const disk = createLossyDisk()
  await put(disk, OLD)
  await put(disk, NEW)
  await forward(disk, OLD)
  await confirmCoordinator(disk, OLD.sha256)
  await cleanUp(disk, OLD)
  return disk
}

async function withNone(): Promise<LossyDisk> {
  const disk = createLossyDisk()
  await put(disk, NEW)
  return disk
}

/** Whatever the pointer names can be started: whole, and with what it had. */
async function expectStartable(disk: LossyDisk): Promise<void> {
  const pointer = await pointerOf(disk)
  for (const version of [pointer.current, pointer.previous, beforeStart(pointer)?.current]) {
    if (!version) continue
    const folder = `${COORDINATOR_VERSIONS}/${version.sha256}`
    const entry = new TextDecoder().decode(await disk.read(`${folder}/${COORDINATOR_ENTRY}`))
    expect(entry).toBe(`// ${version.version}`)
    expect(new TextDecoder().decode(await disk.read(`${folder}/lib/deep/part.mjs`))).toBe(version.version)
  }
}

const without = (disk: LossyDisk, path: string) =>
  new Map([...disk.entries()].filter(([name]) => name !== path && !name.startsWith(`${path}/`)))

const STARTS = [
  ['the one before', withOld],
  ['none before', withNone],
] as const

describe.each(STARTS)('with %s', (_what, begin) => {
  test('the new one is pointed at, on probation, and the one before stays until it has confirmed itself', async () => {
    const disk = await begin()
    const before = await pointerOf(disk)
    await forward(disk, NEW)
    await forward(disk, NEW)
    expect(await pointerOf(disk)).toMatchObject({
      current: { version: '2.0.0', sha256: NEW.sha256 },
      previous: before.current,
      probation: { starts: 0 },
    })
    await expectStartable(disk)
    expect(await confirmCoordinator(disk, OLD.sha256)).toBe(false)
    expect(await confirmCoordinator(disk, undefined)).toBe(false)
    expect(await confirmCoordinator(disk, NEW.sha256)).toBe(true)
    expect((await pointerOf(disk)).probation).toBeNull()
    await expectStartable(disk)
  })

  test('taken back, everything is as it was', async () => {
    const disk = await begin()
    const before = without(disk, '.kit/transactions')
    await forward(disk, NEW)
    await coordinatorAdapter.revert(workOf(disk, NEW))
    await coordinatorAdapter.revert(workOf(disk, NEW))
    expect(without(disk, '.kit/transactions')).toEqual(before)
  })

  test.each(['worst', 'best', 'random'] as const)(
    'the power goes at any change, going forward: %s. Then it can be taken back, or gone on with',
    async (name) => {
      const survival: Survival = name === 'random' ? { random: () => 0.4 } : name
      for (let stopAt = 1; ; stopAt += 1) {
        const begun = await begin()
        const before = without(begun, '.kit/transactions')
        begun.arrange({ stopAt })
        const stopped = await forward(begun, NEW).then(
          () => false,
          (error: unknown) => {
            expect(error).toBeInstanceOf(PowerCutError)
            return true
          },
        )
        if (!stopped) {
          expect(stopAt).toBeGreaterThan(10)
          break
        }
        const back = begun.cutPower(survival)
        const on = back.copy()
        await expectStartable(back)
        await coordinatorAdapter.revert(workOf(back, NEW))
        expect(without(back, '.kit/transactions')).toEqual(before)
        await forward(on, NEW)
        await expectStartable(on)
        expect((await pointerOf(on)).current?.sha256).toBe(NEW.sha256)
      }
    },
  )

  test.each(['worst', 'best'] as const)('the power goes at any change, being taken back: %s', async (survival) => {
    for (let stopAt = 1; ; stopAt += 1) {
      const begun = await begin()
      const before = without(begun, '.kit/transactions')
      await forward(begun, NEW)
      begun.arrange({ stopAt })
      const stopped = await coordinatorAdapter.revert(workOf(begun, NEW)).then(
        () => false,
        () => true,
      )
      if (!stopped) break
      const disk = begun.cutPower(survival)
      await expectStartable(disk)
      await coordinatorAdapter.revert(workOf(disk, NEW))
      expect(without(disk, '.kit/transactions')).toEqual(before)
    }
  })

  test.each(['worst', 'best'] as const)('the power goes while the new one confirms itself: %s', async (survival) => {
    for (let stopAt = 1; ; stopAt += 1) {
      const begun = await begin()
      await forward(begun, NEW)
      begun.arrange({ stopAt })
      const stopped = await confirmCoordinator(begun, NEW.sha256).then(
        () => false,
        () => true,
      )
      if (!stopped) break
      const disk = begun.cutPower(survival)
      await expectStartable(disk)
      expect(await confirmCoordinator(disk, NEW.sha256)).toBe(true)
      await expectStartable(disk)
    }
  })

  test('the disk is full from any change on: it is said, and taken back', async () => {
    for (let fullAt = 1; ; fullAt += 1) {
      const disk = await begin()
      const before = without(disk, '.kit/transactions')
      disk.arrange({ fullAt })
      const failed = await forward(disk, NEW).then(
        () => false,
        () => true,
      )
      if (!failed) break
      await expectStartable(disk)
      disk.arrange({})
      await coordinatorAdapter.revert(workOf(disk, NEW))
      expect(without(disk, '.kit/transactions')).toEqual(before)
    }
  })
})

test.each([
  ['without what is started', await archiveOf('3.0.0', { 'other.mjs': '' }), 'archive-invalid'],
  ['that leads out of its folder', await leadingOut(), 'archive-invalid'],
  [
    'that is none',
    { version: '3.0.0', bytes: new Uint8Array(100), sha256: sha256Of(new Uint8Array(100)) },
    'archive-invalid',
  ],
  ['of other bytes', { ...NEW, sha256: 'c'.repeat(64) }, 'hash-mismatch'],
] as [string, Archive, string][])(
  'an archive %s is refused, and nothing is left of it',
  async (_what, archive, code) => {
    const disk = await withOld()
    await put(disk, archive)
    const before = without(disk, '.kit/transactions')
    await expect(coordinatorAdapter.prepare(workOf(disk, archive))).rejects.toMatchObject({ code })
    await coordinatorAdapter.revert(workOf(disk, archive))
    expect(without(disk, '.kit/transactions')).toEqual(before)
  },
)

test('one that never confirmed itself is not taken again, and says so before anything is touched', async () => {
  const disk = await withOld()
  await forward(disk, NEW)
  const { step, place, installation, ports } = workOf(disk, NEW)
  expect(await coordinatorAdapter.objections({ step, place, installation, ports })).toEqual([])
  await disk.write(
    POINTER_FILE,
    new TextEncoder().encode(
      JSON.stringify({ schema_version: 1, current: null, previous: null, probation: null, failed: [NEW.sha256] }),
    ),
  )
  expect(await coordinatorAdapter.objections({ step, place, installation, ports })).toEqual([
    'Version 2.0.0 of coordinator was started here before, and never confirmed itself.',
  ])
  expect(await coordinatorAdapter.inspect({ step, place, installation, ports })).toBeUndefined()
})

test('what is executable in its archive is so in its folder', async () => {
  const bytes = writeZip([{ name: COORDINATOR_ENTRY }, { name: 'bin/ask', unixMode: 0o100755 }])
  const archive = { version: '4.0.0', bytes, sha256: sha256Of(bytes) }
  const disk = createLossyDisk()
  await put(disk, archive)
  await coordinatorAdapter.prepare(workOf(disk, archive))
  const rightsOf = (name: string) => disk.rights(`${COORDINATOR_VERSIONS}/${archive.sha256}/${name}`)
  expect(await rightsOf('bin/ask')).toMatchObject({ mode: 0o755 })
  expect(await rightsOf(COORDINATOR_ENTRY)).toMatchObject({ mode: 0o644 })
})
