import { messageOf } from '@hotpatch/device-ground'
import type { ClockPort, CryptoPort } from '@hotpatch/device-ground'
import { readKitManifest, UnexpectedJsonError, type KitComponentKind } from '@hotpatch/protocol'
import { findOpenApply } from '../applying/coordinator.ts'
import { findLocks } from '../applying/lock.ts'
import { folderOf } from '../ground/durable-files.ts'
import type { HookCommand } from '../ground/hooks.ts'
import type { ProcessFacts } from '../ground/process-facts.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { ARTIFACTS_FOLDER, KIT_FOLDER } from '../ground/kit-layout.ts'
import { readInstalledRelease } from '../installation/installed-release.ts'
import type { Installation, InstalledPlace, ServiceHooks } from '../installation/installation.ts'
import { loadInstallation } from '../installation/read-installation.ts'
import { readKeptReleases } from '../keeping/kept-releases.ts'
import { readTrust } from '../offers/trust-state.ts'
import { listed } from '../planning/plan.ts'

/** Kits §9: what is wrong with an installation, and what to do about it. */
export interface KitFinding {
  id: string
  status: 'ok' | 'warn' | 'fail'
  message: string
  fix: string | null
}

export interface DoctorPorts {
  disk: KitDisk
  crypto: Pick<CryptoPort, 'sha256' | 'randomUuid'>
  clock: ClockPort
  process: ProcessFacts
  /** Whether a program of this name would be found and may be run. */
  canRun: (program: string) => Promise<boolean>
  /** Permission bits of a path of the root. */
  modeOf: (path: string) => Promise<number | undefined>
  /** Whether this process may write into a folder of the root, which is '' itself; of one that is not there it may. */
  canWrite: (path: string) => Promise<boolean>
}

/** Less than this is too little for anything. */
const LITTLE_BYTES = 256 * 1024 * 1024

/** Changes nothing, and needs no lock. What is wrong with one thing hides no other. */
export async function examineKit(ports: DoctorPorts): Promise<KitFinding[]> {
  const findings: KitFinding[] = []
  const attempt = async (id: string, fix: string, look: () => Promise<KitFinding[]>) => {
    try {
      findings.push(...(await look()))
    } catch (error) {
      findings.push(failed(id, messageOf(error), fix))
    }
  }
  let installation: Installation | undefined
  await attempt('installation', 'Mend kit.json: docs/guides/kits.md says what stands in it.', async () => {
    installation = await loadInstallation(ports.disk)
    const count = Object.keys(installation.components).length
    return [passed('installation', `kit.json names ${count} components and ${installation.publicKeys.length} keys.`)]
  })
  if (installation) {
    const known = installation
    await attempt('installed', 'Put back a copy, or move it away: it is then unknown until the next apply.', () =>
      examineInstalled(ports, known),
    )
    await attempt('hooks', 'Look at the programs that kit.json names.', () => examineHooks(ports, known))
    await attempt('settings', 'Look at kit.json.', () => examineSettings(ports, known))
  }
  await attempt('lock', 'Look at .kit/lock: this user has to be able to read it.', () => examineLock(ports))
  await attempt('open-apply', 'Put the components right by hand, then: rm .kit/current', () => examineOpenApply(ports))
  await attempt(
    'trust',
    'Bring it back from a backup, or move it away: mv .kit/trust.json .kit/trust.json.damaged',
    () => examineTrust(ports),
  )
  await attempt('rights', 'Run it as the user who owns the installation.', () => examineRights(ports, installation))
  await attempt('disk', 'Look at the disk.', () => examineDisk(ports))
  return findings
}

async function examineInstalled({ disk }: DoctorPorts, installation: Installation): Promise<KitFinding[]> {
  const installed = await readInstalledRelease(disk, installation.releaseFile)
  if (!installed) {
    const message = `${installation.releaseFile} is not there: nothing says what is installed, and checks are skipped.`
    return [warned('installed', message, 'Apply a release once: hotpatch kit apply')]
  }
  const unknown = Object.keys(installation.components).filter((id) => !Object.hasOwn(installed.components, id))
  const known = passed('installed', `${installed.releaseId} is installed.`)
  if (unknown.length === 0) return [known]
  return [known, warned('installed', `It does not say which version of ${unknown.join(', ')} is installed.`, null)]
}

async function examineHooks({ canRun }: DoctorPorts, { components, probe }: Installation): Promise<KitFinding[]> {
  const named = [
    ...Object.entries(components).flatMap(([id, place]) => hooksOf(place).map((hook) => [id, hook] as const)),
    ...(probe.hook ? [['the whole kit', probe.hook] as const] : []),
  ]
  const missing: KitFinding[] = []
  for (const [owner, { run }] of named) {
    if (await canRun(run[0])) continue
    const message = `The program ${run[0]} of ${owner} is not there, or may not be run.`
    missing.push(failed('hooks', message, `Install it, or correct it in kit.json (${owner}).`))
  }
  return missing.length > 0 ? missing : [passed('hooks', `All ${named.length} hooks can be run.`)]
}

/** Kits §3.3, §3.7: what reads its settings only when it starts, or is told to, goes on with the old ones. */
async function examineSettings(
  { disk }: DoctorPorts,
  { components, repairTargets }: Installation,
): Promise<KitFinding[]> {
  const kinds = await kindsOf(disk)
  const targets = Object.keys(repairTargets).join(', ')
  return Object.entries(components).flatMap(([id, place]) => {
    if (place.reload !== undefined || place.service !== undefined) return []
    const isTemplate = place.validate !== undefined || kinds.get(id) === 'template'
    // What has no place either migrates or repairs.
    const isRepair = place.path === '' && place.migration === undefined && targets !== ''
    if (!isTemplate && !isRepair) return []
    const what = isTemplate ? `settings (${place.path})` : `settings of others (${targets})`
    const message = `${id} changes ${what}, and nothing makes what runs take them up: it goes on with the old ones.`
    return [warned('settings', message, `Name "reload" or "service" in components.${id} of kit.json.`)]
  })
}

/** As the last release has them; kit.json says it of none. */
async function kindsOf(disk: KitDisk): Promise<Map<string, KitComponentKind>> {
  // Of what cannot be read the look at what is trusted speaks.
  const last = (await readKeptReleases(disk).catch(() => [])).at(-1)
  try {
    const { components } = readKitManifest(last?.manifestText ?? '')
    return new Map(components.map(({ id, kind }) => [id, kind]))
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return new Map()
    throw error
  }
}

function hooksOf({ service, validate, reload, migration, probe }: InstalledPlace): HookCommand[] {
  const ofService = (hooks: ServiceHooks = {}) => [hooks.stop, hooks.start, hooks.restart, hooks.isRunning]
  const ofBackups = migration?.backup.flatMap((backup) =>
    backup.kind === 'commands' ? [backup.save, backup.restore] : [],
  )
  const all = [...ofService(service), validate, reload, migration?.run, ...(ofBackups ?? []), probe?.hook]
  return all.filter((hook) => hook !== undefined)
}

/** Kits §8.2: one whose process has ended is taken over by whoever comes next; of one in another container nobody knows. */
async function examineLock({ disk, process, clock }: DoctorPorts): Promise<KitFinding[]> {
  const { held, stale } = await findLocks(disk, process, clock)
  if (held) {
    const isElsewhere = held.space !== process.own.space
    const where = isElsewhere
      ? `, in ${held.space ?? 'another space of processes'}, which cannot be seen from here`
      : ''
    const message = `The process ${held.pid} works on this kit${where}.`
    const look = isElsewhere
      ? 'If its container is no more: rm -r .kit/lock'
      : `Wait until it has ended. See: ps -p ${held.pid}`
    return [warned('lock', message, look)]
  }
  const [last] = stale
  if (!last) return [passed('lock', 'Nobody works on this kit.')]
  const message = `The process ${last.pid} was ended while it worked on this kit; nobody waits for it.`
  return [warned('lock', message, 'hotpatch kit recover')]
}

async function examineOpenApply({ disk, crypto }: DoctorPorts): Promise<KitFinding[]> {
  const open = await findOpenApply({ disk, crypto })
  if (!open) return [passed('open-apply', 'No apply is open.')]
  const { releaseId, state, whyStuck } = open
  if (state === 'stuck') {
    const message = `The apply of ${releaseId} could not be taken back: ${whyStuck?.message ?? 'its journal says why'}`
    const { component } = whyStuck ?? {}
    const mend =
      component === undefined ? 'Mend what it names' : `Mend ${component} (components.${component} of kit.json)`
    const fix = `${mend}, then: hotpatch kit recover --looked-at. See also: hotpatch kit log, and .kit/transactions/${open.transaction}/journal.ndjson`
    return [failed('open-apply', message, fix)]
  }
  const message = `An apply of ${releaseId} has not come to its end (${state}).`
  return [warned('open-apply', message, 'If no other hotpatch runs: hotpatch kit recover')]
}

async function examineTrust({ disk }: DoctorPorts): Promise<KitFinding[]> {
  const { sequence, floor } = await readTrust(disk)
  await readKeptReleases(disk)
  return [passed('trust', `Nothing below the sequence ${Math.max(sequence, floor)} is taken from a server.`)]
}

async function examineRights(ports: DoctorPorts, installation: Installation | undefined): Promise<KitFinding[]> {
  const { modeOf } = ports
  const findings: KitFinding[] = []
  const closed = await closedFolders(ports, installation)
  if (closed.length > 0) {
    const where = closed.includes('') ? 'the installation' : listed(closed)
    const advice = 'Run it as the user who owns the installation, and give that user what is in it.'
    findings.push(failed('rights', `This user may not write into ${where}.`, advice))
  }
  const ofInstallation = await modeOf('kit.json')
  if (ofInstallation !== undefined && (ofInstallation & 0o022) !== 0) {
    const message = 'Others may write kit.json, and so say what is run: whoever can do that is this user.'
    findings.push(failed('rights', message, 'chmod go-w kit.json'))
  }
  const ofKit = await modeOf(KIT_FOLDER)
  // Services of other users may go through it to what is unpacked, and see nothing on the way.
  if (ofKit !== undefined && (ofKit & 0o066) !== 0) {
    findings.push(failed('rights', `Others may look into ${KIT_FOLDER}.`, `chmod go-rw ${KIT_FOLDER}`))
  }
  return findings.length > 0 ? findings : [passed('rights', 'Nobody else may change what is run.')]
}

/** Where an apply writes, renames or removes, and this process may not. */
async function closedFolders({ disk, canWrite }: DoctorPorts, installation: Installation | undefined) {
  const places = Object.values(installation?.components ?? {}).map(({ path }) => path)
  const targets = Object.values(installation?.repairTargets ?? {}).map(({ path }) => path)
  const paths = [...places, ...targets].filter((path) => path !== '')
  const folders = new Set(['', KIT_FOLDER, ...paths.map(folderOf)])
  // A folder is moved aside, which nobody may do with one of somebody else.
  for (const path of paths) if ((await disk.stat(path))?.kind === 'directory') folders.add(path)
  const closed: string[] = []
  for (const folder of folders) if (!(await canWrite(folder))) closed.push(folder)
  return closed
}

async function examineDisk({ disk }: DoctorPorts): Promise<KitFinding[]> {
  const free = await disk.freeBytes?.()
  const rests = ((await disk.list(ARTIFACTS_FOLDER)) ?? []).filter((name) => name.includes('.part'))
  const findings = [
    ...(free !== undefined && free < LITTLE_BYTES
      ? [warned('disk', `Only ${free} bytes are free.`, 'Make room.')]
      : []),
    ...(rests.length > 0
      ? [
          warned(
            'disk',
            `${rests.length} files of downloads that were cut short are there; they are gone on with.`,
            null,
          ),
        ]
      : []),
  ]
  return findings.length > 0 ? findings : [passed('disk', 'There is room, and nothing was left behind.')]
}

function passed(id: string, message: string): KitFinding {
  return { id, status: 'ok', message, fix: null }
}

function warned(id: string, message: string, fix: string | null): KitFinding {
  return { id, status: 'warn', message, fix }
}

function failed(id: string, message: string, fix: string): KitFinding {
  return { id, status: 'fail', message, fix }
}
