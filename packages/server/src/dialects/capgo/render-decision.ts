import { REASON_SENTENCES } from '@hotpatch/api'
import { isRequirementReason, type Decision } from '@hotpatch/protocol'
import { Type, type Static, type TSchema } from 'typebox'
import type { Body } from '../../ground/http/made-body.ts'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { fieldsOf, toldText, type Fields } from '../reading/read-fields.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import type { UpdateKind } from './error-codes.ts'
import { keyIdOf, variantFor } from './encrypted.ts'
import { listedFiles, takesBrotliNames, writeManifest, type ManifestEntry } from './manifest.ts'
import { has } from './plugin-version.ts'
import { contentOf } from '../../updates/content-of.ts'

const Text = Type.String({ minLength: 1 })
const Address = Type.String({ pattern: '^https?://' })
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const EncryptedDigest = Type.String({ pattern: '^[0-9a-f]{512}$' })
const FileName = Type.String({ pattern: '^[^/\\\\][^\\\\]*$' })

function manifestWith<Hash extends TSchema>(Hash: Hash) {
  const entry = { file_name: FileName, file_hash: Hash, download_url: Address }
  return Type.Optional(Type.Array(Type.Object(entry, { additionalProperties: false }), { minItems: 1 }))
}

const offer = { version: Text, url: Address, comment: Type.Optional(Text) }

/** Capgo §3. With an `error`, a `kind` or a `message` in it, even null, the plugin takes it for a refusal. */
const Update = Type.Object(
  { ...offer, checksum: Digest, session_key: Type.Literal(''), manifest: manifestWith(Digest) },
  { additionalProperties: false },
)
const EncryptedUpdate = Type.Object(
  {
    ...offer,
    checksum: EncryptedDigest,
    session_key: Type.String({ pattern: '^[A-Za-z0-9+/]+=*:[A-Za-z0-9+/]+=*$' }),
    manifest: manifestWith(EncryptedDigest),
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
const UpdateAnswerSchema = Type.Union([Update, EncryptedUpdate, BuiltIn, Refusal])
type CapgoAnswer = Static<typeof UpdateAnswerSchema>

const validator = createCheck(UpdateAnswerSchema)

/** Capgo §3: pure; addresses are on `publicUrl`. */
export function renderDecision({ decision }: UpdateAnswer, fields: Fields, publicUrl: string): CapgoAnswer {
  if (!has('isServed', fields)) {
    return refusal('unsupported_plugin_version', 'failed', `${pluginOf(fields)} is not served any more.`)
  }
  switch (decision.kind) {
    case 'update': {
      const { release } = decision
      const { version, id } = release
      const { sha256, checksum, sessionKey } = bytesFor(release, fields)
      return {
        version,
        url: offeredUrl(publicUrl, sha256, id),
        checksum,
        session_key: sessionKey,
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
      return notOffered(decision, fields)
  }
}

/** Capgo §3. */
function notOffered({ reason, rollout }: Extract<Decision, { kind: 'up-to-date' }>, fields: Fields): CapgoAnswer {
  const message = REASON_SENTENCES[reason]
  if (reason === 'form-not-taken' || reason === 'encryption-not-taken') return notDecrypted(fields)
  if (reason === 'embedded-not-taken') {
    const error = 'revert_to_builtin_plugin_version_too_old'
    return refusal(error, 'failed', `${pluginOf(fields)} does not go back to what the binary shipped with.`)
  }
  if (reason === 'native-out-of-range') return refusal('disable_auto_update_under_native', 'blocked', message)
  if (isRequirementReason(reason)) return refusal('disable_auto_update_to_metadata', 'blocked', message)
  const isOnBuiltIn = reason === 'runs-the-target' && rollout?.target === 'embedded'
  return refusal(isOnBuiltIn ? 'already_on_builtin' : 'no_new_version_available', 'up_to_date', message)
}

function notDecrypted(fields: Fields): CapgoAnswer {
  if (!has('readsEncryptedChecksums', fields)) {
    const message = `${pluginOf(fields)} does not take what is encrypted as releases are here.`
    return refusal('unsupported_plugin_version', 'failed', message)
  }
  return refusal('key_id_mismatch', 'blocked', `The release is not encrypted with the key ${keyIdOf(fields)}.`)
}

function pluginOf(fields: Fields): string {
  return `The version ${toldText(fields, 'plugin_version', 64)} of the plugin`
}

function refusal(error: string, kind: UpdateKind, message: string): CapgoAnswer {
  return { error, kind, message }
}

/** @throws when a plugin with a key would be given what is not encrypted: D11 offers it no such release */
function bytesFor(release: OfferedRelease, fields: Fields) {
  const encrypted = variantFor(release, fields)
  if (encrypted) return encrypted
  if (keyIdOf(fields) === undefined) return asItIs(release)
  throw new Error('An answer was stopped that has a release as it is for a plugin with a key.')
}

function asItIs(release: OfferedRelease) {
  const { sha256 } = contentOf(release, 'archive')
  return { sha256, checksum: sha256, sessionKey: '' }
}

/** Capgo §8. */
function manifestOf(release: OfferedRelease, fields: Fields, publicUrl: string): { manifest?: ManifestEntry[] } {
  const files = has('takesManifests', fields) ? listedFiles(release, fields) : undefined
  return files ? { manifest: writeManifest(files, release.id, publicUrl) } : {}
}

function commentOf({ notes }: OfferedRelease, fields: Fields): { comment?: string } {
  return notes !== '' && has('showsComments', fields) ? { comment: notes } : {}
}

/** The answer's bytes: a malformed one never leaves the server. */
export function createAnswerWriter() {
  const remember = rememberAnswers()

  return function writeAnswer(answer: UpdateAnswer, request: Pick<PlainRequest, 'publicUrl' | 'body'>): Body {
    const fields = fieldsOf(request.body)
    const { decision } = answer
    // Only downloads have addresses, and are the same for most.
    if (decision.kind !== 'update' || !has('isServed', fields)) return write(answer, fields, '')
    const { publicUrl } = request
    const { release } = decision
    const encrypted = variantFor(release, fields)
    const variant = [has('showsComments', fields), has('takesManifests', fields), takesBrotliNames(fields), publicUrl]
    // More of its files may be compressed by and by: then it is another list.
    const subject = encrypted ? (encrypted.held.files ?? encrypted) : (release.held.files ?? release)
    return remember(subject, variant.join(' '), () => write(answer, fields, publicUrl))
  }
}

function write(answer: UpdateAnswer, fields: Fields, publicUrl: string): string {
  const rendered = renderDecision(answer, fields, publicUrl)
  if (validator.Check(rendered)) return JSON.stringify(rendered)
  const first = validator.Errors(rendered)[0]
  throw new Error(`An answer was stopped that is not as Capgo §3 has it: ${JSON.stringify(first)}`)
}
