import type { GuardSettings, NewRelease, NewReleaseContent, RolloutPreview } from '@hotpatch/api'
import { EXPO_METADATA, type Platform } from '@hotpatch/protocol'
import { EVERYBODY, readAudience, type AudienceDraft } from '../../ground/rollout-fields/audience-draft.ts'
import { readPlan, type PlanDraft } from '../../ground/rollout-fields/plan-fields.tsx'
import type { BinaryChoice, ContentChoice, Recognised } from './recognise.ts'
import type { Brought } from './use-bringing.ts'

/** What somebody types before a publish: as it is typed. */
export interface Plan {
  version: string
  platform: Platform | ''
  channel: string
  audience: AudienceDraft
  /** Null: its percentage stays as it is until somebody changes it. */
  steps: PlanDraft | null
  /** As the app has it for all. */
  guard: 'usual' | GuardSettings
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
  audience: EVERYBODY,
  steps: null,
  guard: 'usual',
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
  const { version, platform, channel, mandatory, notes, startsAt, isPaused, guard } = plan
  if (version.trim() === '' || platform === '' || !content) return undefined
  return {
    version: version.trim(),
    platform,
    channel,
    ...(plan.steps ? { plan: readPlan(plan.steps) } : { percentage: plan.audience.percentage }),
    ...givenIn(readAudience(plan.audience)),
    content,
    ...(mandatory && { mandatory }),
    ...(isPaused && { paused: true }),
    ...(notes.trim() !== '' && { notes }),
    ...(startsAt !== '' && { startsAt: new Date(startsAt).toISOString() }),
    ...(guard !== 'usual' && { guard }),
    ...requirementOf(plan),
  }
}

/** Of the devices that it is for: with a plan that of its first step. */
export function firstPercentage({ steps, audience }: Plan): number {
  return steps?.steps[0]?.percentage ?? audience.percentage
}

/** What clients judge it by, also while its files are on their way. */
type PreviewedContent = Pick<RolloutPreview, 'kind' | 'files' | 'exportedBy'>

export function previewedContent(
  { files, binaries }: Recognised,
  choice: ContentChoice,
  { brought, platform }: { brought: Brought | undefined; platform: Platform | '' },
): PreviewedContent {
  if (choice !== 'binary') {
    const isOfExpo = choice === 'files' && files.some(({ path }) => path === EXPO_METADATA)
    return { kind: choice, ...(isOfExpo && { exportedBy: 'expo' }) }
  }
  const known: readonly BinaryChoice[] = brought?.kind === 'binary' ? brought.binaries : binaries
  const machines = known.map(({ architecture, format, ...binary }) => ({
    platform: platform === 'any' || platform === '' ? binary.platform : platform,
    architecture,
    format,
  }))
  return { kind: choice, files: machines }
}

/** Whom it would reach; undefined while the platform is not chosen yet. */
export function previewOf(plan: Plan, content: PreviewedContent): RolloutPreview | undefined {
  const { platform, channel } = plan
  if (platform === '') return undefined
  const { minOsVersion: _, ...requirement } = requirementOf(plan)
  return {
    platform,
    channel,
    percentage: firstPercentage(plan),
    ...content,
    ...givenIn({ version: plan.version.trim() }),
    ...readAudience(plan.audience),
    ...requirement,
  }
}

function requirementOf({ runtimeVersion, minNativeVersion, nativeRange, minOsVersion }: Plan) {
  return givenIn({ runtimeVersion, minNativeVersion, nativeRange, minOsVersion })
}

/** Without what is empty. */
function givenIn<Given extends Record<string, string | readonly unknown[]>>(given: Given): Partial<Given> {
  const isGiven = (value: string | readonly unknown[]) =>
    typeof value === 'string' ? value.trim() !== '' : value.length > 0
  return Object.fromEntries(Object.entries(given).filter(([, value]) => isGiven(value))) as Partial<Given>
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
