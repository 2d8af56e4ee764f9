import { relative, resolve } from 'node:path'
import { DEFAULT_CHANNEL } from '@hotpatch/api'
import type { Platform, Requirement } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { isBundled, type BundleBuild } from '../bundle/build-bundle.ts'
import type { Project } from '../config/project-file.ts'
import { UsageError } from '../errors.ts'
import type { ReleaseWishes } from './release-plan.ts'
import { readAudience, type AudienceOptions } from './rollout-audience.ts'
import { readGuard, type GuardOptions } from './rollout-guard.ts'
import { readSchedule, type ScheduleOptions } from './rollout-schedule.ts'

/** `release`'s options about what to publish and for whom. */
export interface ReleaseOptions extends ScheduleOptions, AudienceOptions, GuardOptions {
  platform?: Platform
  version: string
  channel?: string
  mandatory?: boolean
  rollout?: number
  entryFile?: string
  buildDir?: string
  bundleDir?: string
  minNative?: string
  nativeRange?: string
  runtimeVersion?: string
  notes?: string
  floor?: number
}

/** Where the bundle comes from: a folder that is there, or the bundler. */
export type BundleSource = { kind: 'prebuilt'; directory: string } | ({ kind: 'build' } & BundleBuild)

/** Options, else the project file's defaults, else the tool's. */
export function readWishes(options: ReleaseOptions, project: Project | undefined): ReleaseWishes {
  const { version, notes, floor = 0 } = options
  const defaults = project?.defaults ?? {}
  const schedule = readSchedule(options)
  return {
    ...schedule,
    ...readAudience(options),
    ...readGuard(options),
    platform: choosePlatform(options.platform, project),
    version,
    channel: options.channel ?? defaults.channel ?? DEFAULT_CHANNEL,
    percentage: schedule.plan?.steps[0]?.percentage ?? options.rollout ?? defaults.rollout ?? 100,
    mandatory: options.mandatory ?? defaults.mandatory ?? false,
    requirement: requirementOf({ ...defaults, ...options }),
    notes,
    floor,
  }
}

/** Of a project with one platform that one is meant when none is named. */
export function choosePlatform(given: Platform | undefined, project: Project | undefined): Platform {
  const [only, ...others] = project?.platforms ?? []
  const platform = given ?? (others.length === 0 ? only : undefined)
  if (platform === undefined) throw new UsageError('Say for which platform: --platform android, or --platform ios.')
  if (!project?.platforms || project.platforms.includes(platform)) return platform
  throw new UsageError(`${project.path} lists the platforms ${project.platforms.join(', ')}, not ${platform}.`)
}

function requirementOf(options: {
  minNative?: string | undefined
  nativeRange?: string | undefined
  runtimeVersion?: string | undefined
}): Requirement {
  const { minNative, nativeRange, runtimeVersion } = options
  return given({ minNativeVersion: minNative, nativeRange, runtimeVersion })
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

  if (options.bundleDir !== undefined || defaults.bundleDir !== undefined) {
    return { kind: 'prebuilt', directory: pathOf(options.bundleDir, defaults.bundleDir ?? '') }
  }
  if (!isBundled(platform)) {
    throw new UsageError(`React Native's bundler does not know ${platform}. Give a bundle that is ready: --bundle-dir.`)
  }
  const entryFile = relative(projectDirectory, pathOf(options.entryFile, defaults.entryFile ?? 'index.js'))
  const buildDirectory = pathOf(options.buildDir, defaults.buildDir ?? 'build')
  return { kind: 'build', platform, projectDirectory, entryFile, buildDirectory }
}
