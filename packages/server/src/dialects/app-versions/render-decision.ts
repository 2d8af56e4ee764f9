import { REASON_SENTENCES } from '@hotpatch/api'
import type { CompiledRollout, Platform, TakenBinaries } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { timestamp } from '../../ground/clock.ts'
import { jsonAnswer, type PlainAnswer } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Feed } from '../../updates/dialect.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { pickBinary } from '../writing/pick-binary.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'

const Version = Type.String({ pattern: '^v?\\d', maxLength: 64 })
const Code = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()])
const file = {
  download_url: Type.String({ pattern: '^https?://' }),
  file_size: Type.Integer({ minimum: 1 }),
  checksum: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  release_id: Type.String({ minLength: 1 }),
  file_name: Type.String({ minLength: 1 }),
  format: Type.String({ minLength: 1 }),
  architecture: Type.String({ minLength: 1 }),
}
const nothing = Object.fromEntries(Object.keys(file).map((name) => [name, Type.Null()])) as {
  [Name in keyof typeof file]: ReturnType<typeof Type.Null>
}
const MinSupported = Type.Union([Version, Type.Null()])

/** App versions §3. */
const Update = Type.Object(
  {
    update_available: Type.Literal(true),
    latest_version: Version,
    version_code: Code,
    ...file,
    release_notes: Type.String(),
    is_mandatory: Type.Boolean(),
    message: Type.String({ minLength: 1 }),
    min_supported_version: MinSupported,
  },
  { additionalProperties: false },
)
const NoUpdate = Type.Object(
  {
    update_available: Type.Literal(false),
    latest_version: Version,
    version_code: Type.Null(),
    ...nothing,
    release_notes: Type.Literal(''),
    is_mandatory: Type.Literal(false),
    message: Type.String({ minLength: 1 }),
    min_supported_version: Type.Null(),
  },
  { additionalProperties: false },
)
/** App versions §4. */
const Latest = Type.Object(
  {
    ok: Type.Literal(true),
    version: Version,
    version_code: Code,
    platform: Type.String({ minLength: 1 }),
    ...file,
    release_notes: Type.String(),
    is_mandatory: Type.Boolean(),
    published_at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT' }),
    min_supported_version: MinSupported,
  },
  { additionalProperties: false },
)
type Update = Static<typeof Update>
type Latest = Static<typeof Latest>

const CheckAnswer = createCheck(Type.Union([Update, NoUpdate]))
const LatestAnswer = createCheck(Latest)
const remember = rememberAnswers()

type OfferedFile = NonNullable<OfferedRelease['binaries']>[number]

/** How an answer is written. */
export interface Writing {
  taken: TakenBinaries
  publicUrl: string
}

/** App versions §3: the message says why, in words. */
export function renderDecision(
  { decision }: Pick<UpdateAnswer, 'decision'>,
  writing: Writing & { currentVersion: string },
): PlainAnswer {
  switch (decision.kind) {
    case 'update': {
      const { release, rollout, mandatory } = decision
      const isMandatory = mandatory ? ' It is mandatory.' : ''
      const file = pickFile(release, writing.taken)
      const variant = [mandatory, writing.publicUrl, ...namesOf(file)].join('\n')
      const body = remember(rollout, variant, () =>
        write(CheckAnswer, {
          update_available: true,
          latest_version: release.version,
          version_code: release.versionCode ?? null,
          ...describe(file, release, writing.publicUrl),
          release_notes: release.notes,
          is_mandatory: mandatory,
          message: `Version ${release.version} is available.${isMandatory}`,
          min_supported_version: rollout.mandatoryBelow ?? null,
        } satisfies Update),
      )
      return jsonAnswer(body)
    }
    case 'native-update-required': {
      const { minNativeVersion } = decision.nativeUpdate
      return noUpdate(`A newer version takes at least version ${minNativeVersion} to be installed over.`, writing)
    }
    case 'up-to-date':
      return noUpdate(SENTENCES[decision.reason] ?? REASON_SENTENCES[decision.reason], writing)
    case 'embedded':
      throw new Error('An answer was stopped that App versions §3 has no word for: embedded.')
  }
}

/** In the words of installers, where those of every client say less. */
const SENTENCES: Partial<Record<keyof typeof REASON_SENTENCES, string>> = {
  'runs-the-target': 'This is the newest version.',
  'not-newer': 'There is nothing newer than the installed version for this device.',
  'nothing-published': 'Nothing was published yet for this platform and channel.',
  'outside-audience': 'A newer version is being rolled out, and does not reach this device yet.',
  'form-not-taken': 'A newer version has no file for this processor, or none that the installer here takes.',
}

function noUpdate(message: string, { currentVersion }: { currentVersion: string }): PlainAnswer {
  const body = write(CheckAnswer, {
    update_available: false,
    latest_version: currentVersion,
    version_code: null,
    download_url: null,
    file_size: null,
    checksum: null,
    release_id: null,
    file_name: null,
    format: null,
    architecture: null,
    release_notes: '',
    is_mandatory: false,
    message,
    min_supported_version: null,
  })
  return jsonAnswer(body)
}

/** App versions §4: undefined when nothing is in force for everyone. */
export function renderLatest(feed: Feed, writing: Writing & { platform: Platform }): PlainAnswer | undefined {
  const [first] = feed
  if (first === undefined || first.target === 'embedded') return undefined
  const release = first.target
  const { platform, publicUrl } = writing
  const file = pickFile(release, writing.taken)
  const body = remember(first, ['latest', platform, publicUrl, ...namesOf(file)].join('\n'), () =>
    write(LatestAnswer, {
      ok: true,
      version: release.version,
      version_code: release.versionCode ?? null,
      platform,
      ...describe(file, release, publicUrl),
      release_notes: release.notes,
      is_mandatory: first.mandatory,
      published_at: publishedAt(first),
      min_supported_version: first.mandatoryBelow ?? null,
    } satisfies Latest),
  )
  return jsonAnswer(body)
}

function publishedAt({ startedAt = 0, startsAt }: Pick<CompiledRollout, 'startedAt' | 'startsAt'>): string {
  return timestamp(startsAt ?? startedAt)
}

/** Of those that fit, the one in the format that comes first; D11 offers no release without one. */
function pickFile({ id, binaries = [] }: OfferedRelease, taken: TakenBinaries): OfferedFile {
  const found = pickBinary(binaries, taken)
  if (found) return found
  throw new Error(`An answer was stopped: the release ${id} has no file for whoever asks.`)
}

function namesOf({ sha256, name, format, architecture }: OfferedFile): string[] {
  return [sha256, name, format, architecture]
}

function describe(
  { url, sha256, sizeBytes, name, format, architecture }: OfferedFile,
  release: OfferedRelease,
  publicUrl: string,
) {
  return {
    download_url: url ?? offeredUrl(publicUrl, sha256, release.id),
    file_size: sizeBytes,
    checksum: sha256,
    release_id: release.id,
    file_name: name,
    format,
    architecture,
  }
}

/** @throws when it would not be as it must: what is malformed never leaves the server */
function write(validator: { Check(value: unknown): boolean; Errors(value: unknown): object }, rendered: object) {
  if (validator.Check(rendered)) return JSON.stringify(rendered)
  const [first] = Object.values(validator.Errors(rendered))
  throw new Error(`An answer was stopped that is not as App versions §3 has it: ${JSON.stringify(first)}`)
}
