import { dirname, join, relative, resolve } from 'node:path'
import { DEFAULT_CHANNEL } from '@hotpatch/api'
import type { Platform, Requirement } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { findCapacitorProject, plainText, type CapacitorProject } from '../capacitor/capacitor-project.ts'
import type { Project } from '../config/project-file.ts'
import type { ContentInput, ContentWish } from '../content/content-kind.ts'
import { UsageError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'
import type { HermesBaseWish } from './find-release.ts'
import type { ReleaseWishes } from './release-plan.ts'
import { readAudience, type AudienceOptions } from './rollout-audience.ts'
import { readGuard, type GuardOptions } from './rollout-guard.ts'
import { readSchedule, type ScheduleOptions } from './rollout-schedule.ts'

/** In the path of a folder: the name of each platform. */
const PLACEHOLDER = '{platform}'

/** `release`'s options about what to publish and for whom. */
export interface ReleaseOptions extends ScheduleOptions, AudienceOptions, GuardOptions {
  platform?: Platform[]
  version: string
  channel?: string
  mandatory?: boolean
  mandatoryBelow?: string
  rollout?: number
  entryFile?: string
  buildDir?: string
  bundleDir?: string
  bundle?: string
  /** What a folder is to be, where somebody has said so. */
  as?: 'archive' | 'files'
  entry?: string
  sourceMaps?: boolean
  hermes?: boolean
  /** A version; `true`: what is in force. */
  hermesBase?: string | true
  minNative?: string
  nativeRange?: string
  runtimeVersion?: string
  minOs?: string
  architectures?: string[]
  notes?: string
  floor?: number
}

/** Where a release is made. */
export interface ReleasePlace {
  project: Project | undefined
  capacitor: CapacitorProject | undefined
  cwd: string
}

export async function findPlace({
  project,
  context: { cwd },
}: Pick<Session, 'project' | 'context'>): Promise<ReleasePlace> {
  return { project, cwd, capacitor: await findCapacitorProject(cwd, project?.directory ?? cwd) }
}

/** Options, else the project file's defaults, else the tool's. */
export function readWishes(options: ReleaseOptions, platform: Platform, project: Project | undefined): ReleaseWishes {
  const { version, notes, floor = 0 } = options
  const defaults = project?.defaults ?? {}
  const schedule = readSchedule(options)
  return {
    ...schedule,
    ...readAudience(options),
    ...readGuard(options),
    platform,
    version,
    channel: options.channel ?? defaults.channel ?? DEFAULT_CHANNEL,
    percentage: schedule.plan?.steps[0]?.percentage ?? options.rollout ?? defaults.rollout ?? 100,
    mandatory: options.mandatory ?? defaults.mandatory ?? false,
    mandatoryBelow: options.mandatoryBelow,
    requirement: requirementOf({ ...defaults, ...options }),
    notes,
    floor,
  }
}

/** What would be meant for one platform, and cannot be for several. */
export function requireForSeveral({ floor = 0 }: ReleaseOptions) {
  if (floor > 0) {
    throw new UsageError('--floor is a sequence, and each platform counts its own. Name one: --platform android.')
  }
}

/** One place that is named for several platforms. */
export interface SharedPlace {
  /** Why it cannot be, unless what lies there runs on all of them. */
  refusal: string
}

export function findShared(options: ReleaseOptions, project: Project | undefined): SharedPlace | undefined {
  const places = [
    { where: '--bundle', path: options.bundle, each: `${PLACEHOLDER}.zip` },
    { where: '--bundle-dir', path: options.bundleDir, each: PLACEHOLDER },
    { where: `bundleDir in ${project?.path}`, path: project?.defaults.bundleDir, each: PLACEHOLDER },
  ]
  const [place] = places.filter(({ path }) => path !== undefined)
  if (place?.path === undefined || place.path.includes(PLACEHOLDER)) return undefined
  const { where, path, each } = place
  const example = join(where === '--bundle' ? dirname(path) : path, each)
  const advice = `Say where each has its own, such as ${example}, or name one platform: --platform android.`
  const found = `${where}: ${path} would be published for several platforms, and what is there is no web app.`
  return { refusal: `${found} ${advice}` }
}

function requirementOf(options: {
  minNative?: string | undefined
  nativeRange?: string | undefined
  runtimeVersion?: string | undefined
  minOs?: string | undefined
  architectures?: string[] | undefined
}): Requirement {
  const { minNative, nativeRange, runtimeVersion, minOs, architectures } = options
  return given({ minNativeVersion: minNative, nativeRange, runtimeVersion, minOsVersion: minOs, architectures })
}

/** Paths of options are relative to where the command runs, those of the project file to that file. */
export function findContentInput(
  options: ReleaseOptions,
  platform: Platform,
  { project, capacitor, cwd }: ReleasePlace,
): ContentInput {
  const projectDirectory = project?.directory ?? cwd
  const defaults = project?.defaults ?? {}
  const pathOf = (option: string | undefined, fallback: string) =>
    option === undefined ? resolve(projectDirectory, fallback) : resolve(cwd, option)
  const ofPlatform = (path: string | undefined) => path?.replaceAll(PLACEHOLDER, platform)

  if (options.bundle !== undefined && options.bundleDir !== undefined) {
    throw new UsageError('Give --bundle, a zip, or --bundle-dir, a folder, not both.')
  }
  const isReady = options.bundle !== undefined || options.bundleDir !== undefined || defaults.bundleDir !== undefined
  if (isReady && (options.hermes || options.hermesBase !== undefined)) {
    const option = options.bundle === undefined ? '--bundle-dir' : '--bundle'
    const asked = options.hermes ? '--hermes' : '--hermes-base'
    throw new UsageError(`${asked} compiles what the bundler makes, and ${option} runs no bundler.`)
  }
  if (options.bundle !== undefined) return { kind: 'file', path: pathOf(ofPlatform(options.bundle), '') }
  if (isReady) {
    const path = pathOf(ofPlatform(options.bundleDir), ofPlatform(defaults.bundleDir) ?? '')
    return { kind: 'folder', path, ...given({ as: options.as }) }
  }
  if (capacitor) return findWebDirectory(capacitor, options)
  if (options.as === 'files') throw new UsageError('Say which folder is to be published as files.')
  return {
    kind: 'project',
    entryFile: relative(projectDirectory, pathOf(options.entryFile, defaults.entryFile ?? 'index.js')),
    buildDirectory: pathOf(options.buildDir, defaults.buildDir ?? 'build'),
    isForHermes: options.hermesBase !== undefined || (options.hermes ?? defaults.hermes ?? false),
  }
}

/** What the build of a Capacitor app has written: building it is the app's own affair. */
function findWebDirectory(capacitor: CapacitorProject, { hermes, hermesBase, as }: ReleaseOptions): ContentInput {
  if (hermes || hermesBase !== undefined)
    throw new UsageError(`--hermes is for React Native, and ${capacitor.configPath} is of a Capacitor app.`)
  const webDir = plainText(capacitor, 'webDir')
  if (webDir !== undefined) return { kind: 'folder', path: resolve(capacitor.directory, webDir), ...given({ as }) }
  const found = capacitor.read('webDir').kind === 'absent' ? 'no webDir' : 'one that a program works out'
  const expected = `Expected webDir in ${capacitor.configPath} as a plain text, found ${found}.`
  throw new UsageError(`${expected} Say which folder your build has written: --bundle-dir www.`)
}

export function readHermesBase(
  { hermesBase }: ReleaseOptions,
  { platform, channel }: ReleaseWishes,
): HermesBaseWish | undefined {
  if (hermesBase === undefined) return undefined
  return { platform, channel, version: hermesBase === true ? undefined : hermesBase }
}

export function readContentWish(
  { entry, sourceMaps = false }: ReleaseOptions,
  platform: Platform,
  { project, capacitor, cwd }: ReleasePlace,
): ContentWish {
  const projectDirectory = capacitor?.directory ?? project?.directory ?? cwd
  return { platform, projectDirectory, entry, withSourceMaps: sourceMaps }
}
