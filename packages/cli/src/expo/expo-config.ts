import type { Platform } from '@hotpatch/protocol'
import { readNewVersion } from '../arguments/readers.ts'
import { UsageError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'
import type { ExpoProject } from './expo-project.ts'
import { askExpo } from './run-expo.ts'

/** The public part of an app's configuration, as Expo's own tool works it out. */
export type ExpoConfig = Readonly<Record<string, unknown>>

export type ExpoPlatform = Extract<Platform, 'android' | 'ios'>

const EXPO_PLATFORMS = ['android', 'ios'] as const
const POLICIES = 'appVersion, nativeVersion, sdkVersion or fingerprint'

export function readExpoConfig(context: CliContext, project: ExpoProject): Promise<ExpoConfig> {
  return askExpo(context, project, ['expo', 'config', '--type', 'public', '--json'])
}

/** Those that the app is for, when nobody names them. */
export function platformsOf({ platforms }: ExpoConfig): ExpoPlatform[] {
  return EXPO_PLATFORMS.filter((platform) => !Array.isArray(platforms) || platforms.includes(platform))
}

export function requireExpoPlatforms(platforms: readonly Platform[]): ExpoPlatform[] {
  return platforms.map((platform) => {
    const known = EXPO_PLATFORMS.find((each) => each === platform)
    if (known) return known
    throw new UsageError(`Expected android or ios, which Expo exports updates for, found ${platform}.`)
  })
}

/** Versions §3: the app's own, with the time as its build, so that each publish is a release of its own. */
export function versionOf({ version }: ExpoConfig, { configPath }: ExpoProject, now: Date): string {
  const advice = 'Say which version it is: --version 1.2.0.'
  if (typeof version !== 'string') throw new UsageError(`Expected version in ${configPath}, found none. ${advice}`)
  const made = `${version}+${now.toISOString().replaceAll(/\D/g, '').slice(0, 14)}`
  try {
    return readNewVersion(made)
  } catch {
    throw new UsageError(`${configPath} has the version "${version}", of which no release can be made. ${advice}`)
  }
}

/** As the app's build works it out, which is what devices tell. */
export async function runtimeVersionOf(
  config: ExpoConfig,
  platform: ExpoPlatform,
  { context, project }: { context: CliContext; project: ExpoProject },
): Promise<string> {
  const own = objectOf(config[platform])
  const told = own.runtimeVersion ?? config.runtimeVersion
  if (typeof told === 'string' && told !== '') return told
  const { policy } = objectOf(told)
  const version = textOf(own.version) ?? textOf(config.version) ?? '1.0.0'
  if (policy === 'appVersion') return version
  if (policy === 'nativeVersion') {
    const code = typeof own.versionCode === 'number' ? own.versionCode : 1
    return `${version}(${platform === 'ios' ? (textOf(own.buildNumber) ?? '1') : code})`
  }
  const sdk = textOf(config.sdkVersion)
  if (policy === 'sdkVersion' && sdk !== undefined) return `exposdk:${sdk}`
  if (policy === 'fingerprint') return fingerprintOf(platform, { context, project })
  const found = told === undefined ? 'none' : JSON.stringify(told)
  const expected = `Expected runtimeVersion in ${project.configPath}, a text or the policy ${POLICIES}, found ${found}.`
  throw new UsageError(`${expected} Put it there, or say it: --runtime-version 1.0.0.`)
}

async function fingerprintOf(
  platform: ExpoPlatform,
  { context, project }: { context: CliContext; project: ExpoProject },
) {
  const words = ['expo-updates', 'runtimeversion:resolve', '--platform', platform]
  const { runtimeVersion } = await askExpo(context, project, words)
  if (typeof runtimeVersion === 'string' && runtimeVersion !== '') return runtimeVersion
  throw new UsageError(`npx ${words.join(' ')} told no runtime version. Say it: --runtime-version.`)
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
