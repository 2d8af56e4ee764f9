import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createNodeCrypto, systemClock } from '@hotpatch/client/node'
import type { KitComponent, KitFile } from '@hotpatch/protocol'
import { temporaryDirectory } from '@hotpatch/testkit'
import { archiveCases, writeZip } from '@hotpatch/testkit/archives'
import { describe, expect, test } from 'vitest'
import type { HooksPort } from '../../ground/hooks.ts'
import type { KitDisk } from '../../ground/kit-disk.ts'
import { KitError, type KitCode } from '../../ground/kit-error.ts'
import { createNodeDisk } from '../../ground/node-disk.ts'
import type { Installation, InstalledPlace } from '../../installation/installation.ts'
import { createLossyDisk, type LossyDisk, type Survival } from '../../testing/lossy-disk.ts'
import type { ComponentAdapter, ComponentWork } from '../component-adapter.ts'

export interface ComponentCase {
  adapter: ComponentAdapter
  place: InstalledPlace
  component?: Partial<KitComponent>
  artifact?: { format: KitFile['format']; bytes: Uint8Array }
  installation?: Partial<Installation>
  /** What may lie there before, by its name. */
  before: Readonly<Record<string, BeforeCase>>
  /** Holds what lies there afterwards against what was signed. */
  expectNew(seen: Seen): void
  /** Files and folders that an apply may change; the place alone when absent. */
  touches?: readonly string[]
  hooks?: (disk: KitDisk) => HooksPort
  /** What a hook makes of a full disk. */
  failsFullAs?: KitCode
  /** What another case of the same kind has shown already is left out. */
  isVariant?: boolean
}

export interface BeforeCase {
  lay(disk: KitDisk): Promise<void>
  /** A folder that is moved aside is at two places for a moment, where folders are made durable one by one. */
  isMovedAside?: boolean
}

/** What anybody sees in the root, through links: text of files with their mode, by path. */
export type Seen = ReadonlyMap<string, string>

const BYSTANDERS = ['bystander.txt', 'sub/bystander.txt', 'data/bystander.txt']
/** Rules whose cases are about limits that are lower than those of a component. */
const OF_SMALLER_LIMITS = new Set(['file-count', 'unpacked-size', 'path-length', 'a directory of extra fields'])
const quietHooks: HooksPort = { run: async () => ({ exitCode: 0, output: '' }) }
const crypto = createNodeCrypto()
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Held against every kind of component (Kits §3): twice, killed at every change of the disk, on a full disk, with links. */
export function describeComponentAdapter(name: string, of: ComponentCase): void {
  describe.each(Object.entries(of.before))(`${name}, before: %s`, (_, before) => {
    const survivals: Survival[] =
      before.isMovedAside || of.isVariant ? ['worst', 'best'] : ['worst', 'best', ...pseudoRandom(3)]

    test('the new is there, and nothing else has changed', async () => {
      const disk = await laid(of, before)
      const old = seenOn(disk)
      await prepareAndApply(of, disk)
      of.expectNew(seenOn(disk))
      expect(apartFrom(of, seenOn(disk))).toEqual(apartFrom(of, old))
      await of.adapter.cleanUp(workOn(of, disk))
      of.expectNew(seenOn(disk))
    })

    test('everything twice', async () => {
      const disk = await laid(of, before)
      const old = stateOf(disk)
      const work = workOn(of, disk)
      for (const step of ['prepare', 'prepare', 'apply', 'apply'] as const) await of.adapter[step](work)
      of.expectNew(seenOn(disk))
      for (const step of ['revert', 'revert'] as const) await of.adapter[step](work)
      expect(stateOf(disk)).toEqual(old)
      await forgetWork(disk)
      for (const step of ['prepare', 'apply', 'cleanUp', 'cleanUp'] as const) await of.adapter[step](work)
      of.expectNew(seenOn(disk))
    })

    test('what was made ready alone is taken back', async () => {
      const disk = await laid(of, before)
      const old = stateOf(disk)
      await of.adapter.revert(workOn(of, disk))
      expect(stateOf(disk)).toEqual(old)
      await of.adapter.prepare(workOn(of, disk))
      expect(seenOn(disk)).toEqual(seenOf(old))
      await of.adapter.revert(workOn(of, disk))
      expect(stateOf(disk)).toEqual(old)
    })

    test('the power goes at any change on the way: taken back, or done again', async () => {
      const start = await laid(of, before)
      const old = stateOf(start)
      for (const survival of survivals) {
        for (const step of ['prepare', 'apply'] as const) {
          await atEveryChange(
            await reached(of, start, step),
            survival,
            (disk) => of.adapter[step](workOn(of, disk)),
            async (left) => {
              const back = left.copy()
              await of.adapter.revert(workOn(of, back))
              expect(stateOf(back)).toEqual(old)
              await of.adapter[step](workOn(of, left))
              if (step === 'prepare') await of.adapter.apply(workOn(of, left))
              of.expectNew(seenOn(left))
              await of.adapter.revert(workOn(of, left))
              expect(stateOf(left)).toEqual(old)
            },
          )
        }
      }
    })

    test('the power goes at any change on the way back, and of the cleaning', async () => {
      const start = await laid(of, before)
      const old = stateOf(start)
      const applied = await reached(of, start, 'revert')
      for (const survival of survivals) {
        await atEveryChange(
          applied,
          survival,
          (disk) => of.adapter.revert(workOn(of, disk)),
          async (left) => {
            await of.adapter.revert(workOn(of, left))
            expect(stateOf(left)).toEqual(old)
          },
        )
        await atEveryChange(
          applied,
          survival,
          (disk) => of.adapter.cleanUp(workOn(of, disk)),
          async (left) => {
            await of.adapter.cleanUp(workOn(of, left))
            of.expectNew(seenOn(left))
          },
        )
      }
    })

    test('what it has done is durable when it says so', async () => {
      const start = await laid(of, before)
      const old = stateOf(start)
      const disk = start.copy()
      await prepareAndApply(of, disk)
      const after = disk.cutPower('worst')
      of.expectNew(seenOn(after))
      await of.adapter.revert(workOn(of, after))
      expect(stateOf(after.cutPower('worst'))).toEqual(old)
    })

    test('the disk is full at any change: the old is back, on the full disk', async () => {
      const start = await laid(of, before)
      const old = stateOf(start)
      for (let fullAt = 1; ; fullAt += 1) {
        const disk = start.copy()
        disk.arrange({ fullAt })
        const failure = await prepareAndApply(of, disk).catch((error: unknown) => error)
        if (failure === undefined) break
        expect(failure).toBeInstanceOf(KitError)
        expect(['storage-full', of.failsFullAs]).toContain((failure as KitError).code)
        await of.adapter.revert(workOn(of, disk))
        expect(stateOf(disk)).toEqual(old)
      }
    })

    test('rights are kept', async () => {
      const disk = await laid(of, before)
      const rights = await disk.rights(of.place.path)
      if (!rights) return
      await disk.setRights(of.place.path, { mode: 0o750 })
      await prepareAndApply(of, disk)
      expect(await disk.rights(of.place.path)).toMatchObject({ mode: 0o750 })
      await of.adapter.revert(workOn(of, disk))
      expect(await disk.rights(of.place.path)).toMatchObject({ mode: 0o750 })
    })

    test('the same on a real disk', async () => {
      const disk = createNodeDisk(await temporaryDirectory())
      await lay(of, before, disk)
      const old = await seenInFolder(disk.locate(''))
      await prepareAndApply(of, disk)
      of.expectNew(await seenInFolder(disk.locate('')))
      await of.adapter.revert(workOn(of, disk))
      expect(await seenInFolder(disk.locate(''))).toEqual(old)
    })
  })

  if (of.place.path !== '') describePaths(name, of)
  if (of.artifact) describeArtifacts(name, of, of.artifact)
}

function describePaths(name: string, of: ComponentCase): void {
  const folder = of.place.path.includes('/') ? dirname(of.place.path) : undefined
  test.each([of.place.path, ...(folder === undefined ? [] : [folder])])(
    `${name}: %s leads out of the root`,
    async (path) => {
      const [root, outside] = [await temporaryDirectory(), await temporaryDirectory()]
      await writeFile(join(outside, 'secret'), 'secret')
      const disk = createNodeDisk(root)
      await layArtifact(of, disk)
      await mkdir(dirname(join(root, path)), { recursive: true })
      await symlink(outside, join(root, path))
      await expect(prepareAndApply(of, disk)).rejects.toMatchObject({ code: 'path-escapes' })
      await of.adapter.revert(workOn(of, disk)).catch(() => undefined)
      expect(await readdir(outside)).toEqual(['secret'])
      expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret')
    },
  )
}

function describeArtifacts(name: string, of: ComponentCase, artifact: NonNullable<ComponentCase['artifact']>): void {
  const [before] = Object.values(of.before)
  if (!before) throw new Error('expected something to begin with')

  test(`${name}: bytes that are not those that were signed are refused`, async () => {
    const disk = await laid(of, before)
    const old = seenOn(disk)
    const work = workOn(of, disk)
    await disk.write(work.artifactPath ?? expect.unreachable(), Uint8Array.from([...artifact.bytes, 0]))
    await expect(of.adapter.prepare(work)).rejects.toMatchObject({ code: 'hash-mismatch' })
    expect(seenOn(disk)).toEqual(old)
  })

  if (artifact.format !== 'zip' || of.isVariant) return
  const bomb = writeZip([{ name: 'bomb', content: Buffer.alloc(80 * 1024 * 1024) }])
  const isRefused = ({ rule, comment, limits }: (typeof archiveCases)[number]) =>
    rule !== null && !limits && !OF_SMALLER_LIMITS.has(rule) && !OF_SMALLER_LIMITS.has(comment)
  const refused = archiveCases.filter(isRefused)
  const hostile = [...refused.map(({ comment, zip }) => [comment, zip] as const), ['a bomb', bomb] as const]
  test.each(hostile)(`${name}: %s is refused`, async (_, bytes) => {
    const disk = await laid({ ...of, artifact: { format: 'zip', bytes } }, before)
    const old = stateOf(disk)
    const work = workOn({ ...of, artifact: { format: 'zip', bytes } }, disk)
    await expect(of.adapter.prepare(work)).rejects.toMatchObject({ code: 'archive-invalid' })
    expect(seenOn(disk)).toEqual(seenOf(old))
    await of.adapter.revert(work)
    expect(stateOf(disk)).toEqual(old)
  })
}

export function workOn(of: ComponentCase, disk: KitDisk): ComponentWork {
  const { adapter, artifact, place, component, installation, hooks } = of
  const sha256 = artifact && sha256Of(artifact.bytes)
  const file: KitFile | undefined = artifact && {
    platform: 'any',
    architecture: 'any',
    format: artifact.format,
    sha256: sha256 ?? '',
    sizeBytes: artifact.bytes.length,
  }
  return {
    step: {
      component: {
        id: 'part',
        kind: adapter.kind,
        version: '2.0.0',
        order: 1,
        files: file ? [file] : [],
        supportsRollback: true,
        isOptional: false,
        ...component,
      },
      installed: { version: '1.0.0' },
      file,
    },
    place,
    installation: anInstallation({ components: { part: place }, ...installation }),
    artifactPath: sha256 === undefined ? undefined : `.kit/artifacts/${sha256}`,
    workPath: '.kit/transactions/one/work/part',
    ports: { disk, hooks: hooks?.(disk) ?? quietHooks, clock: systemClock(), crypto },
  }
}

export function anInstallation(more: Partial<Installation> = {}): Installation {
  return {
    source: undefined,
    publicKeys: [],
    releaseFile: 'substratum-kit-release.json',
    channelVariable: 'SUBSTRATUM_UPDATE_CHANNEL',
    channel: 'stable',
    consent: { auto: [], windows: [] },
    variables: {},
    components: {},
    probe: {},
    repairTargets: {},
    ...more,
  }
}

async function laid(of: ComponentCase, before: BeforeCase): Promise<LossyDisk> {
  const disk = createLossyDisk()
  await lay(of, before, disk)
  return disk.copy()
}

async function lay(of: ComponentCase, before: BeforeCase, disk: KitDisk): Promise<void> {
  await layArtifact(of, disk)
  await layFiles(disk, Object.fromEntries(BYSTANDERS.map((path) => [path, 'not yours'])))
  await before.lay(disk)
}

async function layArtifact(of: ComponentCase, disk: KitDisk): Promise<void> {
  const { artifactPath } = workOn(of, disk)
  await disk.makeDirectory('.kit/artifacts')
  if (artifactPath !== undefined && of.artifact) await disk.write(artifactPath, of.artifact.bytes)
}

export async function layFiles(disk: KitDisk, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    if (path.includes('/')) await disk.makeDirectory(dirname(path))
    await disk.write(path, Buffer.from(text))
  }
}

async function prepareAndApply(of: ComponentCase, disk: KitDisk): Promise<void> {
  await of.adapter.prepare(workOn(of, disk))
  await of.adapter.apply(workOn(of, disk))
}

/** A copy on which everything before a step was done. */
async function reached(of: ComponentCase, start: LossyDisk, step: 'prepare' | 'apply' | 'revert'): Promise<LossyDisk> {
  const disk = start.copy()
  if (step !== 'prepare') await of.adapter.prepare(workOn(of, disk))
  if (step === 'revert') await of.adapter.apply(workOn(of, disk))
  return disk.copy()
}

async function atEveryChange(
  start: LossyDisk,
  survival: Survival,
  run: (disk: LossyDisk) => Promise<void>,
  recover: (left: LossyDisk) => Promise<void>,
): Promise<void> {
  for (let stopAt = 1; ; stopAt += 1) {
    const disk = start.copy()
    disk.arrange({ stopAt })
    await run(disk).catch((error: unknown) => {
      if (!disk.hasStopped()) throw error
    })
    if (!disk.hasStopped()) return
    const last = disk.log().at(-1)
    await recover(disk.cutPower(survival)).catch((cause: unknown) => {
      throw new Error(
        `after a cut at change ${stopAt} (${last}), ${typeof survival === 'string' ? survival : 'random'}`,
        { cause },
      )
    })
  }
}

function pseudoRandom(count: number): Survival[] {
  return Array.from({ length: count }, (_, seed) => {
    let state = seed + 1
    return {
      random() {
        state = (state * 48_271) % 2_147_483_647
        return state / 2_147_483_647
      },
    }
  })
}

async function forgetWork(disk: KitDisk): Promise<void> {
  await disk.remove('.kit/transactions')
}

/** All but the coordinator's own, and what links into it lead to. */
function seenOn(disk: LossyDisk): Seen {
  return seenOf(stateOf(disk))
}

/** With the versions that are kept, and without what an apply leaves to be removed with it. */
function stateOf(disk: LossyDisk): Map<string, string> {
  const state = new Map<string, string>()
  for (const [path, entry] of disk.entries()) {
    if (/^\.kit($|\/(?!versions\/.))/.test(path)) continue
    if (entry.kind === 'file')
      state.set(path, `${entry.mode.toString(8)} ${Buffer.from(entry.bytes).toString('latin1')}`)
    else if (entry.kind === 'directory') state.set(path, 'folder')
    else state.set(path, `link ${entry.target}`)
  }
  return state
}

function seenOf(state: ReadonlyMap<string, string>): Seen {
  const seen = new Map<string, string>()
  for (const [path, what] of state) {
    if (path.startsWith('.kit/')) continue
    seen.set(path, what)
    if (!what.startsWith('link ')) continue
    const target = join(dirname(path), what.slice('link '.length))
    for (const [at, text] of state) if (at.startsWith(`${target}/`)) seen.set(`${path}${at.slice(target.length)}`, text)
  }
  return seen
}

function apartFrom(of: ComponentCase, seen: Seen): Seen {
  const touched = of.touches ?? [of.place.path]
  const isTouched = (path: string) =>
    touched.some((each) => path === each || path.startsWith(`${each}/`) || each.startsWith(`${path}/`))
  return new Map([...seen].filter(([path]) => !isTouched(path)))
}

async function seenInFolder(root: string): Promise<Seen> {
  const seen = new Map<string, string>()
  async function look(folder: string): Promise<void> {
    for (const entry of (await readdir(join(root, folder), { withFileTypes: true })).toSorted((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (path === '.kit') continue
      if (entry.isFile())
        seen.set(path, `${await modeOf(join(root, path))} ${await readFile(join(root, path), 'latin1')}`)
      else seen.set(path, entry.isDirectory() ? 'folder' : 'link')
      if (!entry.isFile()) await look(path)
    }
  }
  await look('')
  return seen
}

/** Without what the environment of the test has taken away. */
async function modeOf(path: string): Promise<string> {
  const { mode } = await lstat(path)
  return ((mode & 0o777) | (process.umask() & 0o644)).toString(8)
}
