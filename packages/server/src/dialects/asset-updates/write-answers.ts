import { Type, type Static } from 'typebox'
import type { Body } from '../../ground/http/made-body.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { contentOf } from '../../updates/content-of.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import { changedFiles } from './changed-files.ts'

const Url = Type.String({ pattern: '^https?://' })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })
const Base64OrNull = Type.Union([Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$' }), Type.Null()])
const Size = Type.Integer({ minimum: 0 })
const NativeUpdate = Type.Union([
  Type.Object({ minNativeVersion: Type.String(), updateId: Type.String() }, { additionalProperties: false }),
  Type.Null(),
])
const strict = { additionalProperties: false }

const signed = { statement: Base64OrNull, statementSignature: Base64OrNull }
const described = {
  id: Type.String({ minLength: 1 }),
  version: Type.String({ minLength: 1 }),
  runtimeVersion: Type.Union([Type.String(), Type.Null()]),
  releaseNotes: Type.String(),
  launch: Type.Union([Type.String(), Type.Null()]),
  list: Type.Object({ url: Url, sha256: Sha256, sizeBytes: Type.Integer({ minimum: 1 }) }, strict),
  fileCount: Size,
  totalBytes: Size,
  ...signed,
}

/** Asset updates §3. */
const Update = Type.Object(
  {
    updateAvailable: Type.Literal(true),
    reason: Type.String(),
    nativeUpdate: NativeUpdate,
    update: Type.Object(
      {
        ...described,
        isMandatory: Type.Boolean(),
        direction: Type.Union([Type.Literal('forward'), Type.Literal('back')]),
        manifestUrl: Url,
        fileUrl: Type.String({ pattern: '^https?://.*\\{sha256\\}' }),
        delta: Type.Union([Type.Object({ from: Type.String(), files: Size, bytes: Size }, strict), Type.Null()]),
      },
      strict,
    ),
  },
  strict,
)
const ToEmbedded = Type.Object(
  {
    updateAvailable: Type.Literal(false),
    rollBackTo: Type.Literal('embedded'),
    isMandatory: Type.Boolean(),
    reason: Type.String(),
    ...signed,
  },
  strict,
)
const Nothing = Type.Object(
  { updateAvailable: Type.Literal(false), reason: Type.String(), nativeUpdate: NativeUpdate },
  strict,
)
const CheckAnswer = createCheck(Type.Union([Update, ToEmbedded, Nothing]))
type CheckAnswer = Static<typeof Update> | Static<typeof ToEmbedded> | Static<typeof Nothing>

/** Asset updates §4. */
const Manifest = Type.Object(
  {
    ...described,
    assets: Type.Array(
      Type.Object(
        {
          path: Type.String({ minLength: 1 }),
          checksum: Sha256,
          size: Size,
          contentType: Type.String({ minLength: 1 }),
          url: Url,
        },
        strict,
      ),
      { minItems: 1 },
    ),
    delta: Type.Union([
      Type.Object({ from: Type.String(), paths: Type.Array(Type.String()), bytes: Size }, strict),
      Type.Null(),
    ]),
  },
  strict,
)
const ManifestAnswer = createCheck(Manifest)

interface Signed {
  statement: string | null
  statementSignature: string | null
}

/** The bodies of answers: each made and held against its schema once, for a rollout and whatever else it depends on. */
export function createAnswerWriter() {
  const rememberUpdate = rememberAnswers()
  const rememberManifest = rememberAnswers()

  /** Asset updates §3. */
  function writeDecision(answer: UpdateAnswer, publicUrl: string): Body {
    const { decision, restatement, running } = answer
    const { reason } = decision
    switch (decision.kind) {
      case 'update': {
        const { release, rollout, mandatory, direction } = decision
        const native = nativeUpdateOf(decision)
        const variant = [mandatory, direction, reason, native?.updateId, running?.id, publicUrl].join(' ')
        return rememberUpdate(rollout, variant, () =>
          write(CheckAnswer, {
            updateAvailable: true,
            reason,
            nativeUpdate: native,
            update: {
              ...describe(release, restatement ?? release, publicUrl),
              isMandatory: mandatory,
              direction,
              manifestUrl: `${publicUrl}/api/v1/manifests/${release.id}`,
              fileUrl: assetUrl(publicUrl, '{sha256}', release.id),
              delta: deltaOf(running, release),
            },
          } satisfies CheckAnswer),
        )
      }
      case 'embedded': {
        const { mandatory: isMandatory } = decision
        const statement = statementOf(restatement ?? UNSIGNED)
        const answered = { updateAvailable: false, rollBackTo: 'embedded', isMandatory, reason, ...statement } as const
        return write(CheckAnswer, answered satisfies CheckAnswer)
      }
      case 'up-to-date':
      case 'native-update-required': {
        const answered = { updateAvailable: false, reason, nativeUpdate: nativeUpdateOf(decision) } as const
        return write(CheckAnswer, answered satisfies CheckAnswer)
      }
    }
  }

  /** Asset updates §4; undefined when the list of its files is not in memory. */
  function writeManifest(
    release: OfferedRelease,
    earlier: OfferedRelease | undefined,
    publicUrl: string,
  ): Body | undefined {
    const { files } = release.held
    if (!files) return undefined
    return rememberManifest(files, `${earlier?.id} ${release.id} ${publicUrl}`, () => {
      const changed = earlier && changedFiles(earlier, release)
      return write(ManifestAnswer, {
        ...describe(release, release, publicUrl),
        assets: files.map(({ path, sha256, sizeBytes, contentType }) => ({
          path,
          checksum: sha256,
          size: sizeBytes,
          contentType,
          url: assetUrl(publicUrl, sha256, release.id),
        })),
        delta: earlier && changed ? { from: earlier.id, paths: [...changed.paths], bytes: changed.bytes } : null,
      } satisfies Static<typeof Manifest>)
    })
  }

  return { writeDecision, writeManifest }
}

const UNSIGNED: Signed = { statement: null, statementSignature: null }

function describe(release: OfferedRelease, signed: Signed, publicUrl: string) {
  const { sha256, sizeBytes, fileCount, totalBytes, launch = null } = contentOf(release, 'files')
  return {
    id: release.id,
    version: release.version,
    runtimeVersion: release.requirement.runtimeVersion ?? null,
    releaseNotes: release.notes,
    launch,
    list: { url: assetUrl(publicUrl, sha256, release.id), sha256, sizeBytes },
    fileCount,
    totalBytes,
    ...statementOf(signed),
  }
}

function statementOf({ statement, statementSignature }: Signed) {
  return statement === null ? UNSIGNED : { statement: Buffer.from(statement).toString('base64'), statementSignature }
}

function nativeUpdateOf({ nativeUpdate }: UpdateAnswer['decision']) {
  return nativeUpdate && { minNativeVersion: nativeUpdate.minNativeVersion, updateId: nativeUpdate.releaseId }
}

/** Asset updates §5. */
function deltaOf(running: OfferedRelease | null | undefined, release: OfferedRelease) {
  const changed = running && changedFiles(running, release)
  return running && changed ? { from: running.id, files: changed.paths.length, bytes: changed.bytes } : null
}

/** Asset updates §6: the bytes of an artifact, under the contract's path. */
function assetUrl(publicUrl: string, sha256: string, releaseId: string): string {
  return `${publicUrl}/assets/${sha256}?release=${releaseId}`
}

/** @throws when it would not be as it must: what is malformed never leaves the server */
function write(
  validator: { Check(value: unknown): boolean; Errors(value: unknown): object },
  rendered: object,
): string {
  if (validator.Check(rendered)) return JSON.stringify(rendered)
  const [first] = Object.values(validator.Errors(rendered))
  throw new Error(`An answer was stopped that is not as Asset updates has it: ${JSON.stringify(first)}`)
}
