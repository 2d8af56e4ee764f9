import { REASON_SENTENCES } from '@hotpatch/api'
import { isRequirementReason, type Decision } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { fieldsOf, toldText, type Fields } from '../reading/read-fields.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import type { UpdateKind } from './error-codes.ts'
import { manifestFilesOf, takesBrotliNames, writeManifest, type ManifestEntry } from './manifest.ts'
import { has } from './plugin-version.ts'

const Text = Type.String({ minLength: 1 })
const Address = Type.String({ pattern: '^https?://' })
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** Capgo §3. With an `error`, a `kind` or a `message` in it, even null, the plugin takes it for a refusal. */
const Update = Type.Object(
  {
    version: Text,
    url: Address,
    checksum: Digest,
    session_key: Type.String(),
    manifest: Type.Optional(
      Type.Array(
        Type.Object(
          {
            file_name: Type.String({ pattern: '^[^/\\\\][^\\\\]*$' }),
            file_hash: Digest,
            download_url: Address,
          },
          { additionalProperties: false },
        ),
        { minItems: 1 },
      ),
    ),
    comment: Type.Optional(Text),
  },
  { additionalProperties: false },
)
const BuiltIn = Type.Object({ version: Type.Literal('builtin') }, { additionalProperties: false })
const Refusal = Type.Object(
  {
    error: Type.String({ pattern: '^[a-z_]+$' }),
    kind: Type.Union([Type.Literal('up_to_date'), Type.Literal('blocked'), Type.Literal('failed')]),
    message: Text,
    version: Type.Optional(Text),
  },
  { additionalProperties: false },
)
const UpdateAnswerSchema = Type.Union([Update, BuiltIn, Refusal])
type CapgoAnswer = Static<typeof UpdateAnswerSchema>

const validator = createCheck(UpdateAnswerSchema)

/** Capgo §3: pure; addresses are on `publicUrl`. */
export function renderDecision({ decision }: UpdateAnswer, fields: Fields, publicUrl: string): CapgoAnswer {
  const unfit = unfitPlugin(decision, fields)
  if (unfit) return unfit
  switch (decision.kind) {
    case 'update': {
      const { release } = decision
      const { sha256 } = release.content
      return {
        version: release.version,
        url: offeredUrl(publicUrl, sha256, release.id),
        checksum: sha256,
        session_key: '',
        ...manifestOf(release, fields, publicUrl),
        ...commentOf(release, fields),
      }
    }
    case 'embedded':
      return { version: 'builtin' }
    case 'native-update-required': {
      const { minNativeVersion } = decision.nativeUpdate
      // By this message the plugin fires `breakingAvailable`, with this version.
      const message = 'store_update_required'
      return { error: 'disable_auto_update_to_metadata', kind: 'blocked', message, version: minNativeVersion }
    }
    case 'up-to-date':
      return notOffered(decision)
  }
}

/** Whether the plugin takes what was decided; what it does not counts as offered to nobody. */
export function mayOffer({ decision }: UpdateAnswer, fields: Fields): boolean {
  return unfitPlugin(decision, fields) === undefined
}

/** Capgo §7. */
function unfitPlugin({ kind }: Decision, fields: Fields): CapgoAnswer | undefined {
  const plugin = `The version ${toldText(fields, 'plugin_version', 64)} of the plugin`
  if (!has('isServed', fields)) {
    return refusal('unsupported_plugin_version', 'failed', `${plugin} is not served any more.`)
  }
  if (kind === 'embedded' && !has('goesBackToBuiltIn', fields)) {
    const error = 'revert_to_builtin_plugin_version_too_old'
    return refusal(error, 'failed', `${plugin} does not go back to what the binary shipped with.`)
  }
  const keyId = toldText(fields, 'key_id', 64)
  if (kind === 'update' && keyId !== undefined) {
    return refusal('key_id_mismatch', 'blocked', `The release is not encrypted with the key ${keyId}.`)
  }
  return undefined
}

/** Capgo §3. */
function notOffered({ reason, rollout }: Extract<Decision, { kind: 'up-to-date' }>): CapgoAnswer {
  const message = REASON_SENTENCES[reason]
  if (reason === 'native-out-of-range') return refusal('disable_auto_update_under_native', 'blocked', message)
  if (isRequirementReason(reason)) return refusal('disable_auto_update_to_metadata', 'blocked', message)
  const isOnBuiltIn = reason === 'runs-the-target' && rollout?.target === 'embedded'
  return refusal(isOnBuiltIn ? 'already_on_builtin' : 'no_new_version_available', 'up_to_date', message)
}

function refusal(error: string, kind: UpdateKind, message: string): CapgoAnswer {
  return { error, kind, message }
}

/** Capgo §8. */
function manifestOf(release: OfferedRelease, fields: Fields, publicUrl: string): { manifest?: ManifestEntry[] } {
  const files = has('takesManifests', fields) ? manifestFilesOf(release) : undefined
  if (!files) return {}
  const withBrotli = takesBrotliNames(fields)
  return { manifest: writeManifest(files, { releaseId: release.id, publicUrl, withBrotli }) }
}

function commentOf({ notes }: OfferedRelease, fields: Fields): { comment?: string } {
  return notes !== '' && has('showsComments', fields) ? { comment: notes } : {}
}

/** The answer's bytes: a malformed one never leaves the server. */
export function createAnswerWriter() {
  const remember = rememberAnswers()

  return function writeAnswer(answer: UpdateAnswer, request: Pick<PlainRequest, 'publicUrl' | 'body'>): string {
    const fields = fieldsOf(request.body)
    const { decision } = answer
    // Only downloads have addresses, and are the same for most.
    if (decision.kind !== 'update' || !mayOffer(answer, fields)) return write(answer, fields, '')
    const { publicUrl } = request
    const { release } = decision
    const variant = `${has('showsComments', fields)} ${has('takesManifests', fields)} ${takesBrotliNames(fields)} ${publicUrl}`
    // More of its files may be compressed by and by: then it is another list.
    return remember(release.held.files ?? release, variant, () => write(answer, fields, publicUrl))
  }
}

function write(answer: UpdateAnswer, fields: Fields, publicUrl: string): string {
  const rendered = renderDecision(answer, fields, publicUrl)
  if (validator.Check(rendered)) return JSON.stringify(rendered)
  const first = validator.Errors(rendered)[0]
  throw new Error(`An answer was stopped that is not as Capgo §3 has it: ${JSON.stringify(first)}`)
}
