import {
  parseNativeVersion,
  compareNativeVersions,
  type InstalledComponent,
  type InstalledKit,
  type KitComponent,
  type KitFile,
  type KitManifest,
} from '@hotpatch/protocol'
import { KitError } from '../ground/kit-error.ts'
import type { Installation } from '../installation/installation.ts'
import type { KitPlan, KitStep } from './kit-plan.ts'
import type { Machine } from './this-machine.ts'

export interface PlanInput {
  manifest: KitManifest
  /** The exact text that was signed. */
  manifestText: string
  /** Undefined when nothing says what is installed. */
  installed: InstalledKit | undefined
  /** What adapters found on the disk, by component: it is believed before what was written down. */
  inspected: Readonly<Record<string, InstalledComponent | undefined>>
  installation: Pick<Installation, 'components'>
  machine: Machine
}

/**
 * Kits §7: what an apply would do. A function of what is known, so that whoever looks at a plan and whoever applies it
 * have the same.
 * @throws KitError partial-kit, no-file-for-machine
 */
export function planKit(input: PlanInput): KitPlan {
  const { manifest, manifestText, installed, installation, machine } = input
  const isHere = ({ id }: KitComponent) => Object.hasOwn(installation.components, id)
  expectWhole(input, isHere)
  const steps: KitStep[] = []
  const left: KitPlan['left'][number][] = []
  for (const component of manifest.components) {
    if (!isHere(component)) {
      left.push({ id: component.id, because: 'not-installed' })
      continue
    }
    const found = knownOf(component.id, input)
    const file = fileFor(component, machine)
    if (isSame(component, file, found)) left.push({ id: component.id, because: 'same' })
    else steps.push({ component, installed: found, file })
  }
  const files = artifactsOf(steps)
  return {
    from: installed && { releaseId: installed.releaseId, sequence: installed.sequence },
    manifest,
    manifestText,
    direction: directionOf(steps),
    steps,
    left,
    downloadBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    neededBytes: neededFor(steps),
    expectedDowntimeSeconds: manifest.expectedDowntimeSeconds,
    isReversible: steps.every(({ component }) => component.supportsRollback),
  }
}

/** Kits §7.1: components of different releases were never tried together. */
function expectWhole(
  { manifest, installed, installation }: PlanInput,
  isHere: (component: KitComponent) => boolean,
): void {
  if (!manifest.components.some(isHere)) {
    const offered = listed(manifest.components.map(({ id }) => id))
    throw new KitError('partial-kit', `${manifest.releaseId} has ${offered}, and kit.json names none of them`)
  }
  if (manifest.allowsPartial) return
  const missing = manifest.components.filter((component) => !component.isOptional && !isHere(component))
  if (missing.length > 0) {
    const names = listed(missing.map(({ id }) => id))
    const message = `${manifest.releaseId} needs ${names} to be installed, and kit.json does not say where: add "components.${missing[0]?.id}" to it`
    throw new KitError('partial-kit', message)
  }
  const offered = new Set(manifest.components.map(({ id }) => id))
  const orphans = Object.keys(installed?.components ?? {}).filter(
    (id) => !offered.has(id) && Object.hasOwn(installation.components, id),
  )
  if (orphans.length === 0) return
  const message = `${manifest.releaseId} has no ${listed(orphans)}, which is installed and would stay as it is: if it is to go, take it out of kit.json`
  throw new KitError('partial-kit', message)
}

function knownOf(id: string, { inspected, installed }: PlanInput): InstalledComponent | undefined {
  const found = Object.hasOwn(inspected, id) ? inspected[id] : undefined
  const written = installed && Object.hasOwn(installed.components, id) ? installed.components[id] : undefined
  // An installer may write versions without digests: then nothing contradicts it.
  const isUncontradicted = found?.version === UNKNOWN_VERSION && written !== undefined && written.sha256 === undefined
  return isUncontradicted ? { ...found, version: written.version } : (found ?? written)
}

/** What adapters say of bytes that no release had. */
const UNKNOWN_VERSION = 'unknown'

/**
 * Kits §7.2: of the files of a component the one that says most about this machine.
 * @throws KitError no-file-for-machine
 */
export function fileFor({ id, kind, files }: KitComponent, machine: Machine): KitFile | undefined {
  if (files.length === 0) return undefined
  const fitting = files.filter(
    ({ platform, architecture }) =>
      (platform === machine.platform || platform === 'any') &&
      (architecture === machine.architecture || architecture === 'any'),
  )
  const weight = ({ platform, architecture }: KitFile) =>
    (platform === 'any' ? 0 : 2) + (architecture === 'any' ? 0 : 1)
  const [best] = fitting.toSorted((a, b) => weight(b) - weight(a))
  if (best) return best
  const there = listed(files.map(({ platform, architecture }) => `${platform}/${architecture}`))
  const message = `${id} (${kind}) has files for ${there}, and none for ${machine.platform}/${machine.architecture}`
  throw new KitError('no-file-for-machine', message, { component: id })
}

/** By the bytes where there are any; what has none is what its version says. */
function isSame(component: KitComponent, file: KitFile | undefined, found: InstalledComponent | undefined): boolean {
  if (!found) return false
  // A migration's files do nothing by being there: what counts is that it ran.
  if (file === undefined || component.kind === 'migration') return found.version === component.version
  return found.sha256 === file.sha256
}

/** Kits §7.3: back when nothing becomes newer and something older. Of versions that cannot be compared nothing is said. */
function directionOf(steps: readonly KitStep[]): KitPlan['direction'] {
  const signs = steps.map(({ component, installed }) => compareVersions(component.version, installed?.version))
  return signs.some((sign) => sign < 0) && !signs.some((sign) => sign > 0) ? 'back' : 'forward'
}

export function compareVersions(version: string, before: string | undefined): number {
  const [a, b] = [parseNativeVersion(version), before === undefined ? undefined : parseNativeVersion(before)]
  return a && b ? compareNativeVersions(a, b) : 0
}

/** What has to be there before anything is touched, each once. */
export function artifactsOf(steps: readonly KitStep[]): KitFile[] {
  const files = steps.flatMap(({ file }) => (file ? [file] : []))
  return [...new Map(files.map((file) => [file.sha256, file])).values()]
}

/** How much a zip may grow by when it is unpacked; what is more than that is found out when it is. */
const UNPACKED = 2

/**
 * Kits §7.4: the downloads, and twice what comes of them: the new beside the old that is kept. An estimate: a disk that
 * turns out to be too small takes everything back.
 */
function neededFor(steps: readonly KitStep[]): number {
  const downloads = artifactsOf(steps).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const unpacked = steps
    .flatMap(({ file }) => (file ? [file] : []))
    .reduce((sum, { format, sizeBytes }) => sum + (format === 'zip' ? UNPACKED * sizeBytes : sizeBytes), 0)
  return Math.min(downloads + 2 * unpacked, Number.MAX_SAFE_INTEGER)
}

export function listed(names: readonly string[]): string {
  return names.join(', ')
}
