import { join } from 'node:path'
import type { App, PublishedRelease, ReleaseCheck, ReleaseFinding, ReleasePreflight } from '@hotpatch/api'
import { isSameRequirement } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { buildBundle } from '../content/archive/build-bundle.ts'
import { listBundleFiles, type BundleFile } from '../content/archive/bundle-files.ts'
import { inspectBundle, type InspectedBundle } from '../content/archive/inspect-bundle.ts'
import { withoutSourceMaps } from '../content/archive/source-maps.ts'
import { zipBundle, type ZippedBundle } from '../content/archive/zip-bundle.ts'
import type { Session } from '../session/session.ts'
import type { SigningChoice } from '../signing/choose-key.ts'
import { requireSound } from './findings.ts'
import { readProjectNative } from './project-native.ts'
import type { ReleaseWishes } from './release-plan.ts'
import type { BundleSource } from './release-wishes.ts'
import { chooseRequirement } from './safe-requirement.ts'

export interface PreparedBundle extends InspectedBundle {
  directory: string
  files: BundleFile[]
  /** Kept here, whether they are published or not. */
  sourceMaps: BundleFile[]
  zip: ZippedBundle
}

export interface PreparedRelease {
  wishes: ReleaseWishes
  /** Where the requirement comes from when nobody gave it. */
  requirementSource: string | undefined
  bundle: PreparedBundle
  preflight: ReleasePreflight
  /** None is an error. */
  findings: ReleaseFinding[]
  /** The very same was published before: there is nothing to do. */
  already: PublishedRelease | undefined
}

export interface PreparingOptions {
  source: BundleSource
  signing: SigningChoice
  /** Where the zip may be written. */
  temporary: string
  forced: readonly string[]
  withSourceMaps: boolean
  isForAnyNative: boolean
  /** As when the one before it failed: builds to see whether it is what was published under this version. */
  mayBeThere: boolean
}

type OpenBundle = Omit<PreparedBundle, 'zip'>

/**
 * Everything that can be known before something is signed or sent, the cheap before the costly: what the server says and
 * what lies in a ready folder, then the bundler, then the zip.
 * @throws CommandError preflight-failed with all that was found so far
 */
export async function prepareRelease(
  session: Session,
  app: App,
  asked: ReleaseWishes,
  options: PreparingOptions,
): Promise<PreparedRelease> {
  const { source, forced } = options
  const { context, project } = session
  const ready = source.kind === 'prebuilt' ? await openBundle(source.directory, asked, options) : undefined
  const first = await session.api.checkRelease(app.id, checkOf(asked, options.signing, ready))
  const { native } = first
  const projectNative = await readProjectNative(project?.directory ?? context.cwd, asked.platform)
  const chosen = chooseRequirement(asked.requirement, {
    isForAny: options.isForAnyNative,
    project: projectNative,
    native,
  })
  const wishes = { ...asked, requirement: chosen.requirement }
  // Of a folder that is ready it is soon known whether it is what was published under this version.
  const early = (ready || options.mayBeThere) && isRepeatable(first) ? withoutVersion(first.findings) : first.findings
  requireSound([...early, ...(ready?.findings ?? []), ...chosen.findings], forced)

  const opened = ready ?? (await openBuilt(session, wishes, options))
  const known = [...opened.findings, ...chosen.findings]
  requireSound(known, forced)
  const zip = await zipBundle(context, opened.files, join(options.temporary, 'bundle.zip'))
  const bundle: PreparedBundle = { ...opened, zip }
  const preflight = await session.api.checkRelease(app.id, checkOf(wishes, options.signing, bundle, zip))
  const already = isSame(preflight.existing, wishes, zip) ? preflight.existing.published : undefined
  const told = already ? withoutVersion(preflight.findings) : preflight.findings
  const findings = requireSound([...told, ...known], forced)
  return { wishes, requirementSource: chosen.source, bundle, preflight, findings, already }
}

async function openBuilt(session: Session, wishes: ReleaseWishes, options: PreparingOptions): Promise<OpenBundle> {
  const { source } = options
  const directory = source.kind === 'build' ? await buildBundle(session.context, source) : source.directory
  return openBundle(directory, wishes, options)
}

async function openBundle(
  directory: string,
  { platform }: ReleaseWishes,
  { withSourceMaps }: PreparingOptions,
): Promise<OpenBundle> {
  const all = await listBundleFiles(directory)
  const { files: others, sourceMaps } = withoutSourceMaps(all)
  const files = withSourceMaps ? all : others
  return { directory, files, sourceMaps, ...(await inspectBundle(platform, files)) }
}

/** The same question for a dry run and the real one. */
function checkOf(
  wishes: ReleaseWishes,
  signing: SigningChoice,
  bundle: Pick<OpenBundle, 'files'> | undefined,
  zip?: ZippedBundle,
): ReleaseCheck {
  const { platform, version, channel, mandatory, percentage, plan, requirement } = wishes
  const { guard, startsAt, notes, rules, devices, cohorts } = wishes
  return {
    platform,
    version,
    channel,
    mandatory,
    ...(plan ? { plan } : { percentage }),
    ...given({ guard, startsAt, notes, rules, devices, cohorts }),
    ...requirement,
    publicKey: signing.kind === 'signed' ? signing.key.publicKey : null,
    ...(bundle && {
      fileCount: bundle.files.length,
      unpackedBytes: bundle.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    }),
    ...(zip && { sha256: zip.sha256, sizeBytes: zip.sizeBytes }),
  }
}

const isRepeatable = ({ existing }: ReleasePreflight) => existing !== null && !existing.isArchived

const withoutVersion = (findings: readonly ReleaseFinding[]) => findings.filter(({ check }) => check !== 'version')

/** Whether somebody asks again for what is there, as after an answer that got lost. */
function isSame(
  existing: ReleasePreflight['existing'],
  { percentage, mandatory, requirement }: ReleaseWishes,
  { sha256 }: ZippedBundle,
): existing is NonNullable<ReleasePreflight['existing']> {
  if (!existing || existing.isArchived) return false
  const { published } = existing
  return (
    published.sha256 === sha256 &&
    published.percentage === percentage &&
    published.mandatory === mandatory &&
    isSameRequirement(existing.requirement, requirement)
  )
}
