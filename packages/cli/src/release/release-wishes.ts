import { join, relative, resolve } from 'node:path'
import { DEFAULT_CHANNEL } from '@hotpatch/api'
import type { Platform, Requirement } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { isBundled, type BundleBuild } from '../content/archive/build-bundle.ts'
import type { Project } from '../config/project-file.ts'
import { UsageError } from '../errors/errors.ts'
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
  rollout?: number
  entryFile?: string
  buildDir?: string
  bundleDir?: string
  hermes?: boolean
  minNative?: string
  nativeRange?: string
  runtimeVersion?: string
  minOs?: string
  architectures?: string[]
  notes?: string
  floor?: number
}

/** Where the bundle comes from: a folder that is there, or the bundler. */
export type BundleSource = { kind: 'prebuilt'; directory: string } | ({ kind: 'build' } & BundleBuild)

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
    requirement: requirementOf({ ...defaults, ...options }),
    notes,
    floor,
  }
}

/** What would be meant for one platform, and cannot be for several. */
export function requireForSeveral(options: ReleaseOptions, project: Project | undefined) {
  const { bundleDir, floor = 0 } = options
  if (floor > 0) {
    throw new UsageError('--floor is a sequence, and each platform counts its own. Name one: --platform android.')
  }
  const directory = bundleDir ?? project?.defaults.bundleDir
  if (directory === undefined || directory.includes(PLACEHOLDER)) return
  const where = bundleDir === undefined ? `bundleDir in ${project?.path}` : '--bundle-dir'
  const advice = `Say where each has its own, such as ${join(directory, PLACEHOLDER)}, or name one platform: --platform android.`
  throw new UsageError(`${where}: ${directory} would be published for several platforms. ${advice}`)
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
export function findBundleSource(
  options: ReleaseOptions,
  platform: Platform,
  project: Project | undefined,
  cwd: string,
): BundleSource {
  const projectDirectory = project?.directory ?? cwd
  const defaults = project?.defaults ?? {}
  const pathOf = (option: string | undefined, fallback: string) =>
    option === undefined ? resolve(projectDirectory, fallback) : resolve(cwd, option)
  const ofPlatform = (path: string | undefined) => path?.replaceAll(PLACEHOLDER, platform)

  if (options.bundleDir !== undefined || defaults.bundleDir !== undefined) {
    if (options.hermes)
      throw new UsageError('--hermes compiles what the bundler makes, and --bundle-dir runs no bundler.')
    const directory = pathOf(ofPlatform(options.bundleDir), ofPlatform(defaults.bundleDir) ?? '')
    return { kind: 'prebuilt', directory }
  }
  if (!isBundled(platform)) {
    throw new UsageError(`React Native's bundler does not know ${platform}. Give a bundle that is ready: --bundle-dir.`)
  }
  const entryFile = relative(projectDirectory, pathOf(options.entryFile, defaults.entryFile ?? 'index.js'))
  const buildDirectory = pathOf(options.buildDir, defaults.buildDir ?? 'build')
  const isForHermes = options.hermes ?? defaults.hermes ?? false
  return { kind: 'build', platform, projectDirectory, entryFile, buildDirectory, isForHermes }
}
