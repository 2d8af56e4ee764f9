import { join } from 'node:path'
import type { App, PublishedRelease, ReleaseCheck, ReleaseFinding, ReleasePreflight } from '@hotpatch/api'
import { isSameRequirement } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import { UsageError } from '../errors/errors.ts'
import { MINIMUM_FILE, readMinimumFile } from '../native/minimum-native-version.ts'
import type { ContentFile, ContentInput, Working } from '../content/content-kind.ts'
import { isSameContent, openContent, type OpenContent, type ReleaseBytes } from '../content/kinds.ts'
import type { Session } from '../session/session.ts'
import type { SigningChoice } from '../signing/choose-key.ts'
import { requireSound } from './findings.ts'
import { readProjectNative } from './project-native.ts'
import type { ReleaseWishes } from './release-plan.ts'
import type { SharedPlace } from './release-wishes.ts'
import { chooseRequirement } from './safe-requirement.ts'

export interface PreparedRelease {
  wishes: ReleaseWishes
  /** Where the requirement comes from when nobody gave it. */
  requirementSource: string | undefined
  bundle: ReleaseBytes
  /** Kept here, whether they are published or not. */
  sourceMaps: readonly ContentFile[]
  preflight: ReleasePreflight
  /** None is an error. */
  findings: ReleaseFinding[]
  /** The very same was published before: there is nothing to do. */
  already: PublishedRelease | undefined
}

export interface PreparingOptions {
  input: ContentInput
  working: Working
  signing: SigningChoice
  forced: readonly string[]
  isForAnyNative: boolean
  /** As when the one before it failed: builds to see whether it is what was published under this version. */
  mayBeThere: boolean
  /** Named for several platforms. */
  shared: SharedPlace | undefined
}

/**
 * Everything that can be known before something is signed or sent, the cheap before the costly: what the server says and
 * what lies here ready, then what has to be built, then its bytes.
 * @throws CommandError preflight-failed with all that was found so far
 */
export async function prepareRelease(
  session: Session,
  app: App,
  asked: ReleaseWishes,
  options: PreparingOptions,
): Promise<PreparedRelease> {
  const { input, working, forced, shared } = options
  const { context } = session
  const open = () => openContent(context, input, working)
  const ready = input.kind === 'project' ? undefined : await open()
  if (shared && !ready?.isShareable) throw new UsageError(shared.refusal)
  const first = await session.api.checkRelease(app.id, checkOf(asked, options.signing, ready))
  const { native } = first
  const { projectDirectory } = working.wish
  // A whole app needs no shell: it is one. What a kit needs, it says itself.
  const isWhole = input.kind === 'installers' || input.kind === 'kit'
  const projectNative = isWhole ? undefined : await readProjectNative(projectDirectory, asked.platform)
  const chosen = chooseRequirement(asked.requirement, {
    isForAny: options.isForAnyNative || isWhole,
    existing: first.existing?.requirement,
    project: projectNative,
    minimum: await readMinimumFile(join(projectDirectory, MINIMUM_FILE)),
    native,
  })
  const wishes = { ...asked, requirement: chosen.requirement }
  // Whether it is what was published under this version shows in its bytes: soon, or when a build may lead to something.
  const mayBeSame = ready || options.mayBeThere || !isOn(first, asked.channel)
  const early = mayBeSame && isRepeatable(first) ? withoutVersion(first.findings) : first.findings
  requireSound([...early, ...(ready?.findings ?? []), ...chosen.findings], forced)

  const opened = ready ?? (await open())
  const known = [...opened.findings, ...chosen.findings]
  requireSound(known, forced)
  const bundle = await opened.pack()
  const preflight = await session.api.checkRelease(app.id, checkOf(wishes, options.signing, opened, bundle))
  const already = findSame(preflight.existing, wishes, bundle)
  const told = already ? withoutVersion(preflight.findings) : preflight.findings
  const findings = requireSound([...told, ...known], forced)
  const { sourceMaps } = opened
  return { wishes, requirementSource: chosen.source, bundle, sourceMaps, preflight, findings, already }
}

/** The same question for a dry run and the real one. */
function checkOf(
  wishes: ReleaseWishes,
  signing: SigningChoice,
  opened: Pick<OpenContent, 'told'> | undefined,
  bundle?: ReleaseBytes,
): ReleaseCheck {
  const { platform, version, channel, mandatory, percentage, plan, requirement } = wishes
  const { guard, startsAt, paused, notes, rules, devices, cohorts } = wishes
  return {
    platform,
    version,
    channel,
    mandatory,
    ...(plan ? { plan } : { percentage }),
    ...given({ guard, startsAt, paused, notes, rules, devices, cohorts }),
    ...requirement,
    publicKey: signing.kind === 'signed' ? signing.key.publicKey : null,
    ...opened?.told,
    ...(bundle && { content: bundle.content }),
  }
}

const isRepeatable = ({ existing }: ReleasePreflight) => existing !== null && !existing.isArchived

const withoutVersion = (findings: readonly ReleaseFinding[]) => findings.filter(({ check }) => check !== 'version')

const isOn = ({ existing }: ReleasePreflight, channel: string) => existing?.channels.includes(channel) ?? false

/** What somebody who asks again for what is there was answered, as after an answer that got lost. */
function findSame(
  existing: ReleasePreflight['existing'],
  { percentage, mandatory, paused = false, requirement }: ReleaseWishes,
  bytes: ReleaseBytes,
): PublishedRelease | undefined {
  if (!existing?.published || existing.isArchived) return undefined
  const { published } = existing
  const isSame =
    isSameContent(published.content, bytes) &&
    published.percentage === percentage &&
    published.mandatory === mandatory &&
    (published.paused ?? false) === paused &&
    isSameRequirement(existing.requirement, requirement)
  return isSame ? published : undefined
}
