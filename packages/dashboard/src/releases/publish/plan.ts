import type { NewRelease, NewReleaseContent } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Brought } from './use-bringing.ts'

/** What somebody types before a publish: as it is typed. */
export interface Plan {
  version: string
  platform: Platform | ''
  channel: string
  percentage: number
  mandatory: boolean
  isPaused: boolean
  notes: string
  startsAt: string
  runtimeVersion: string
  minNativeVersion: string
  nativeRange: string
  minOsVersion: string
  /** Words by which objections to its files are accepted. */
  accept: readonly string[]
}

export const NEW_PLAN: Plan = {
  version: '',
  platform: '',
  channel: 'production',
  percentage: 100,
  mandatory: false,
  isPaused: false,
  notes: '',
  startsAt: '',
  runtimeVersion: '',
  minNativeVersion: '',
  nativeRange: '',
  minOsVersion: '',
  accept: [],
}

/** The metadata of the publish; undefined while something of it is not there yet. */
export function releaseOf(plan: Plan, content: NewReleaseContent | undefined): NewRelease | undefined {
  const { version, platform, channel, percentage, mandatory, notes, startsAt, isPaused } = plan
  if (version.trim() === '' || platform === '' || !content) return undefined
  const named = {
    runtimeVersion: plan.runtimeVersion,
    minNativeVersion: plan.minNativeVersion,
    nativeRange: plan.nativeRange,
    minOsVersion: plan.minOsVersion,
  }
  const requirement = Object.fromEntries(Object.entries(named).filter(([, value]) => value.trim() !== ''))
  return {
    version: version.trim(),
    platform,
    channel,
    percentage,
    content,
    ...(mandatory && { mandatory }),
    ...(isPaused && { paused: true }),
    ...(notes.trim() !== '' && { notes }),
    ...(startsAt !== '' && { startsAt: new Date(startsAt).toISOString() }),
    ...requirement,
  }
}

export function contentOf(brought: Brought | undefined, { platform, accept }: Plan): NewReleaseContent | undefined {
  if (!brought) return undefined
  if (brought.kind !== 'binary') return brought.content
  const files = brought.binaries.map((binary) => ({
    name: binary.file.name,
    ...(platform === 'any' && { platform: binary.platform }),
    architecture: binary.architecture,
    format: binary.format,
    sha256: binary.sha256,
    sizeBytes: binary.file.size,
  }))
  return { kind: 'binary', files, ...(accept.length > 0 && { accept: [...accept] }) }
}

/** What the files of a whole app say of themselves. */
export function suggestedVersion(brought: Brought | undefined): string | undefined {
  if (brought?.kind !== 'binary') return undefined
  const application = brought.binaries.find(({ application: read }) => read)?.application
  if (!application) return undefined
  const { version, versionCode } = application
  return versionCode === undefined || version.includes('+') ? version : `${version}+${versionCode}`
}
