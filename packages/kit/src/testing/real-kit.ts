import { createHash, randomUUID } from 'node:crypto'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import { createNodeSha256 } from '@hotpatch/device-ground/node'
import { textFromUtf8 } from '@hotpatch/protocol'
import type { ApplyContext } from '../applying/apply-context.ts'
import type { ApplyOutcome } from '../applying/apply-outcome.ts'
import { openCoordinator } from '../applying/coordinator.ts'
import { nodeProcess } from '../applying/node-process.ts'
import { makeDurableDirectory } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import { artifactPathOf, ARTIFACTS_FOLDER } from '../ground/kit-layout.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import { createHookNotes } from '../hooks/hook-notes.ts'
import { createNodeHooks } from '../hooks/node-hooks.ts'
import { aRelease, INSTALLATION, planOn, type TestRelease } from './apply-world.ts'
import { linkedAdapter, renamedAdapter } from './test-adapters.ts'

/** What a service of this kit "runs" is a copy of what lay at its place when it was last started. */
const RUNNING = 'running'

/** A restart that waits for ever once, ends for nobody who asks, and tells of every other one that runs beside it. */
const SLOW_RESTART = `
const { copyFileSync, existsSync, readFileSync, writeFileSync } = require('node:fs')
// What has ended is there until somebody has asked for its exit code.
const isDead = (pid) => { try { return / [ZX] /.test(readFileSync('/proc/' + pid + '/stat', 'utf8')) } catch { return false } }
const isRunning = (pid) => { try { return process.kill(pid, 0) && !isDead(pid) } catch { return false } }
if (existsSync('slow.pid') && isRunning(Number(readFileSync('slow.pid', 'utf8')))) writeFileSync('beside', '')
if (readFileSync('bin/gateway', 'utf8').includes('slow')) {
  process.on('SIGTERM', () => {})
  writeFileSync('slow.new', String(process.pid))
  require('node:fs').renameSync('slow.new', 'slow.pid')
  setInterval(() => {}, 1000)
} else copyFileSync('bin/gateway', '${RUNNING}')
`

export const REAL_RELEASES = {
  old: aRelease('1.0.0', 1, { web: 'web 1', gateway: 'gateway 1', installer: 'installer 1' }),
  good: aRelease('1.1.0', 2, { web: 'web 2', gateway: 'gateway 2', installer: 'installer 2' }),
  slow: aRelease('1.3.0', 4, { web: 'web 4', gateway: 'gateway slow', installer: 'installer 4' }),
  bad: aRelease('1.2.0', 3, { web: 'web ill', gateway: 'gateway 3', installer: 'installer 3' }),
} as const satisfies Record<string, TestRelease>

/** A kit in a real folder, with real files, links, locks and processes. */
export function createRealKit(
  root: string,
  { afterRecord = async () => undefined, isSlow = false }: { afterRecord?: () => Promise<void>; isSlow?: boolean } = {},
) {
  const real = createNodeDisk(root)
  const disk: KitDisk = {
    ...real,
    async sync(path) {
      await real.sync(path)
      if (path.endsWith('journal.ndjson')) await afterRecord()
    },
  }
  const clock = systemClock()
  const own = nodeProcess()
  const run = isSlow ? ([process.execPath, '-e', SLOW_RESTART] as const) : (['cp', 'bin/gateway', RUNNING] as const)
  const { gateway, ...components } = INSTALLATION.components
  const installation = {
    ...INSTALLATION,
    components: {
      ...components,
      gateway: { path: gateway?.path ?? '', service: { restart: { run, timeoutMs: 60_000 } } },
    },
  }

  async function probeText(path: string, component?: string): Promise<'well'> {
    const text = textFromUtf8((await disk.read(path)) ?? new Uint8Array()) ?? ''
    if (text !== '' && !text.includes('ill')) return 'well'
    throw new KitError('probe-failed', `${path} is ill`, { ...(component !== undefined && { component }) })
  }

  const context: ApplyContext = {
    installation,
    ports: {
      disk,
      clock,
      hooks: createNodeHooks({
        directory: root,
        environment: {},
        clock,
        notes: createHookNotes({ disk: real, clock, process: own }),
      }),
      crypto: { sha256: createNodeSha256, randomUuid: randomUUID },
    },
    adapters: new Map(
      [linkedAdapter('files'), renamedAdapter('binary'), linkedAdapter('coordinator')].map((each) => [each.kind, each]),
    ),
    probing: {
      component: async ({ component: { id } }) => (id === 'gateway' ? probeText(RUNNING, id) : 'unasked'),
      kit: async () => probeText('web/content'),
      before: async ({ component: { id } }) => (id === 'gateway' ? probeText(RUNNING, id) : 'unasked'),
    },
    process: own,
    tell: async () => undefined,
  }

  async function stage(release: TestRelease): Promise<void> {
    await makeDurableDirectory(disk, ARTIFACTS_FOLDER)
    for (const [sha256, bytes] of release.contents) await disk.write(artifactPathOf(sha256), bytes)
  }

  return {
    disk: real,
    context,
    async apply(release: TestRelease): Promise<ApplyOutcome> {
      await using coordinator = await openCoordinator(context)
      await coordinator.recover()
      await makeDurableDirectory(disk, 'bin')
      return await coordinator.apply(await planOn(disk, release), { stage: () => stage(release) })
    },
    async recover() {
      await using coordinator = await openCoordinator(context)
      return await coordinator.recover()
    },
    /** Everything but locks and downloads. */
    snapshot: () => snapshotOf(real, ''),
  }
}

async function snapshotOf(disk: KitDisk, folder: string): Promise<string[]> {
  const lines: string[] = []
  for (const name of (await disk.list(folder)) ?? []) {
    const path = folder === '' ? name : `${folder}/${name}`
    if (path === '.kit/lock' || path === ARTIFACTS_FOLDER) continue
    const target = await disk.readLink(path)
    const stat = await disk.stat(path)
    if (target !== undefined) lines.push(`${path} -> ${target}`)
    else if (stat?.kind === 'directory') lines.push(`${path} folder`, ...(await snapshotOf(disk, path)))
    else {
      const { mode } = (await disk.rights(path)) ?? { mode: 0 }
      const digest = createHash('sha256')
        .update((await disk.read(path)) ?? '')
        .digest('hex')
      lines.push(`${path} ${mode.toString(8)} ${digest}`)
    }
  }
  return lines
}
