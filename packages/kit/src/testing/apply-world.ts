import { createHash } from 'node:crypto'
import { createVirtualClock } from '@hotpatch/client/memory'
import { createNodeSha256 } from '@hotpatch/device-ground/node'
import { textFromUtf8, utf8FromText, writeKitManifest, readKitManifest, type KitManifest } from '@hotpatch/protocol'
import type { ApplyContext } from '../applying/apply-context.ts'
import type { ApplyOutcome, RecoveryOutcome } from '../applying/apply-outcome.ts'
import { openCoordinator } from '../applying/coordinator.ts'
import type { KitReport } from '../applying/kit-report.ts'
import type { ProcessFacts } from '../ground/process-facts.ts'
import type { RecoverOptions } from '../applying/recover.ts'
import type { ComponentAdapter } from '../components/component-adapter.ts'
import { makeDurableDirectory } from '../ground/durable-files.ts'
import type { HooksPort } from '../ground/hooks.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import { artifactPathOf, ARTIFACTS_FOLDER } from '../ground/kit-layout.ts'
import { readInstalledRelease } from '../installation/installed-release.ts'
import type { Installation } from '../installation/installation.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { createLossyDisk, type LossyDisk, type LossyDiskOptions, type Survival } from './lossy-disk.ts'
import { linkedAdapter, renamedAdapter } from './test-adapters.ts'

export const RELEASE_FILE = 'substratum-kit-release.json'
const WEB = 'web'
const GATEWAY = 'bin/gateway'

const SMALLEST_ADAPTERS = [linkedAdapter('files'), renamedAdapter('binary'), linkedAdapter('coordinator')]

export const INSTALLATION: Installation = {
  source: undefined,
  publicKeys: [],
  releaseFile: RELEASE_FILE,
  channelVariable: 'SUBSTRATUM_UPDATE_CHANNEL',
  channel: 'stable',
  consent: { auto: [], windows: [] },
  variables: {},
  components: {
    web: { path: WEB },
    gateway: { path: GATEWAY, service: { restart: { run: ['restart', 'gateway'], timeoutMs: 1_000 } } },
    installer: { path: 'installer' },
  },
  probe: {},
  repairTargets: {},
}

/** What its components hold, by which they behave: see `createWorld`. */
export interface TestRelease {
  manifest: KitManifest
  manifestText: string
  contents: ReadonlyMap<string, Uint8Array>
}

export interface Contents {
  web: string
  gateway: string
  installer: string
}

const PROBE = { type: 'http', path: '/', attempts: 2, intervalMs: 10, timeoutMs: 100 } as const

/** @param pack what becomes of a folder with one file; that file's own bytes when absent */
export function aRelease(
  releaseId: string,
  sequence: number,
  contents: Contents,
  pack: (name: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes,
): TestRelease {
  const byDigest = new Map<string, Uint8Array>()
  const fileOf = (text: string, format: 'zip' | 'raw', name: string) => {
    const bytes = format === 'zip' ? pack(name, utf8FromText(text)) : utf8FromText(text)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    byDigest.set(sha256, bytes)
    return [{ platform: 'any', architecture: 'any', format, sha256, sizeBytes: bytes.length } as const]
  }
  const shared = { version: releaseId, supportsRollback: true, isOptional: false }
  const manifestText = writeKitManifest({
    appId: '0198c0de-0000-7000-8000-000000000000',
    releaseId,
    channel: 'stable',
    sequence,
    floor: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    severity: 'informational',
    allowsPartial: false,
    probe: PROBE,
    components: [
      { ...shared, id: 'web', kind: 'files', order: 10, files: fileOf(contents.web, 'zip', 'content') },
      {
        ...shared,
        id: 'gateway',
        kind: 'binary',
        order: 20,
        files: fileOf(contents.gateway, 'raw', 'gateway'),
        probe: PROBE,
      },
      {
        ...shared,
        id: 'installer',
        kind: 'coordinator',
        order: 90,
        files: fileOf(contents.installer, 'zip', 'coordinator.mjs'),
      },
    ],
  })
  return { manifest: readKitManifest(manifestText), manifestText, contents: byDigest }
}

export type Faults = {
  /** Of the adapter's calls: which one throws, how often. */
  revertThrows?: number
  applyThrows?: string
  /** The power goes in each. */
  revertDies?: boolean
}

export interface World {
  disk(): LossyDisk
  /** What was told, each once: a repeated one has to be the same. */
  reports: Map<string, KitReport>
  running(): string | undefined
  faults: Faults
  recover(options?: RecoverOptions): Promise<RecoveryOutcome>
  /** As an owner does it: recovers, plans and applies. */
  apply(release: TestRelease, options?: { isStopped?: () => boolean }): Promise<ApplyOutcome>
  planFor(release: TestRelease): Promise<KitPlan>
  context(): ApplyContext
  /** The power goes and comes back: services start from what lies there. */
  cutPower(survival: Survival, options?: LossyDiskOptions): void
  /** Everything but locks and downloads, for comparing. */
  snapshot(): string
}

/**
 * A machine with a kit on a lossy disk. The service of the gateway runs what lies at its place whenever it is started: it
 * does not start when that says "no start", and its probe fails on "ill" and hangs on "hangs". The whole kit is ill when
 * the web says "ill".
 */
export function createWorld(
  disk: LossyDisk = createLossyDisk(),
  kinds: readonly ComponentAdapter[] = SMALLEST_ADAPTERS,
): World {
  const clock = createVirtualClock({ whenIdle: setImmediate, startAt: 1_000_000 })
  const reports = new Map<string, KitReport>()
  const faults: Faults = {}
  let boots = 1
  let transactions = 0
  let running: string | undefined

  const gatewayOnDisk = () => {
    const found = disk.entries('bin').get('gateway')
    return found?.kind === 'file' ? textFromUtf8(found.bytes) : undefined
  }

  function start(): boolean {
    running = gatewayOnDisk()
    if (running?.includes('no start')) running = undefined
    return running !== undefined || gatewayOnDisk() === undefined
  }

  const hooks: HooksPort = {
    async run() {
      return start() ? { exitCode: 0, output: '' } : { exitCode: 1, output: 'the gateway did not start' }
    },
  }

  function faulty(adapter: ComponentAdapter): ComponentAdapter {
    return {
      ...adapter,
      async apply(work) {
        await adapter.apply(work)
        if (faults.applyThrows === work.step.component.id) throw new Error('apply failed at its end')
      },
      async revert(work) {
        if ((faults.revertThrows ?? 0) > 0) {
          faults.revertThrows = (faults.revertThrows ?? 0) - 1
          throw new Error('revert failed')
        }
        if (faults.revertDies) disk.arrange({ stopAt: 1 })
        await adapter.revert(work)
      },
    }
  }

  const adapters = new Map(kinds.map((each) => [each.kind, faulty(each)]))

  async function probeText(text: string | undefined, component?: string): Promise<'well'> {
    if (text?.includes('hangs')) return new Promise(() => undefined)
    if (text === undefined || text.includes('ill')) {
      throw new KitError('probe-failed', 'it is ill', { ...(component !== undefined && { component }) })
    }
    return 'well'
  }

  const webText = async () => textFromUtf8((await disk.read(`${WEB}/content`)) ?? new Uint8Array())

  function context(): ApplyContext {
    return {
      installation: INSTALLATION,
      ports: {
        disk,
        hooks,
        clock,
        crypto: {
          sha256: createNodeSha256,
          randomUuid: () => `00000000-0000-4000-8000-${String((transactions += 1)).padStart(12, '0')}`,
        },
      },
      adapters,
      probing: {
        component: async ({ component }) => (component.id === 'gateway' ? probeText(running, component.id) : 'unasked'),
        kit: async () => probeText(await webText()),
        before: async ({ component, installed }) => {
          if (component.id !== 'gateway' || !installed) return 'unasked'
          return probeText(running, component.id)
        },
      },
      process: processOfBoot(boots),
      async tell(report) {
        if (disk.hasStopped()) throw new Error('the power is off')
        const key = [report.transaction, report.component ?? 'kit', report.kind].join(' ')
        const before = reports.get(key)
        if (before && comparable(before) !== comparable(report)) {
          repeatedOtherwise.push(`${JSON.stringify(before)} / ${JSON.stringify(report)}`)
        }
        reports.set(key, before ?? report)
      },
    }
  }

  const repeatedOtherwise: string[] = []
  let hasBeenFull = false

  /** A reason that a full disk had no room for is not known behind a power cut, which is a reason of its own. */
  function comparable({ code, message, ...report }: KitReport): string {
    return JSON.stringify(hasBeenFull ? report : { ...report, code, message })
  }

  async function stage({ steps }: KitPlan, release: TestRelease): Promise<void> {
    await makeDurableDirectory(disk, ARTIFACTS_FOLDER)
    for (const { file } of steps) {
      if (!file || (await disk.stat(artifactPathOf(file.sha256)))?.sizeBytes === file.sizeBytes) continue
      const bytes = release.contents.get(file.sha256)
      if (!bytes) throw new KitError('hash-mismatch', 'other bytes than were signed')
      await disk.write(artifactPathOf(file.sha256), bytes)
      await disk.syncDirectory(ARTIFACTS_FOLDER)
    }
  }

  start()
  return {
    disk: () => disk,
    reports,
    running: () => running,
    faults,
    context,
    planFor: (release) => planOn(disk, release),
    async recover(options) {
      await using coordinator = await openCoordinator(context())
      return await coordinator.recover(options)
    },
    async apply(release, { isStopped = () => false } = {}) {
      await using coordinator = await openCoordinator(context())
      await coordinator.recover()
      await makeDurableDirectory(disk, 'bin')
      const plan = await planOn(disk, release)
      const stopped = { isStopped, onStop: () => () => undefined }
      return await coordinator.apply(plan, { stage: (each) => stage(each, release), stopped })
    },
    cutPower(survival, options) {
      hasBeenFull ||= disk.hasBeenFull()
      disk = disk.cutPower(survival, options)
      boots += 1
      start()
    },
    snapshot() {
      if (repeatedOtherwise.length > 0) throw new Error(`told otherwise: ${repeatedOtherwise.join('\n')}`)
      const kept = [...disk.entries()].filter(([path]) => !/^\.kit\/(lock|artifacts)(\/|$)/.test(path))
      return kept
        .map(([path, entry]) => {
          if (entry.kind === 'file') return `${path} ${entry.mode.toString(8)} ${textFromUtf8(entry.bytes) ?? 'bytes'}`
          return `${path} ${entry.kind === 'link' ? `-> ${entry.target}` : 'folder'}`
        })
        .join('\n')
    },
  }
}

/** What differs by its digest is a step. */
export async function planOn(disk: KitDisk, { manifest, manifestText }: TestRelease): Promise<KitPlan> {
  const installed = await readInstalledRelease(disk, RELEASE_FILE)
  const isSame = (id: string, sha256: string | undefined) => installed?.components[id]?.sha256 === sha256
  const changed = manifest.components.filter(({ id, files }) => !isSame(id, files[0]?.sha256))
  return {
    from: installed && { releaseId: installed.releaseId, sequence: installed.sequence },
    manifest,
    manifestText,
    direction: (installed?.sequence ?? 0) > manifest.sequence ? 'back' : 'forward',
    steps: changed.map((component) => ({
      component,
      installed: installed?.components[component.id],
      file: component.files[0],
    })),
    left: manifest.components
      .filter((component) => !changed.includes(component))
      .map(({ id }) => ({ id, because: 'same' as const })),
    downloadBytes: 0,
    neededBytes: 0,
    expectedDowntimeSeconds: undefined,
    isReversible: true,
  }
}

/** Ids of processes begin anew with each boot: the same one is another. */
function processOfBoot(boot: number): ProcessFacts {
  const own = { pid: 1, boot: `boot ${boot}` }
  return {
    own,
    isSameBoot: (other) => other === own.boot,
    // Whoever held it in this boot has let it go, or was the one that the power took.
    isRunning: () => true,
    startedAt: () => undefined,
  }
}
