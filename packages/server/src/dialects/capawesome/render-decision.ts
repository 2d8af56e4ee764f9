import { REASON_SENTENCES } from '@hotpatch/api'
import { Type, type Static } from 'typebox'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { filesUrl } from './files.ts'
import { takesFiles } from './manifest.ts'
import { refusal } from './refusal.ts'
import { signatureOf } from './signatures.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import { contentOf } from '../../updates/content-of.ts'

const bundle = {
  // The plugin makes a folder of this name: an empty one would be the folder of all its bundles.
  bundleId: Type.String({ pattern: '^[0-9a-f][0-9a-f-]{7,63}$' }),
  channelName: Type.Optional(Type.String({ minLength: 1 })),
  // On iOS an answer with any other value is none at all.
  customProperties: Type.Record(Type.String(), Type.String()),
}
const Zip = Type.Object(
  {
    ...bundle,
    artifactType: Type.Literal('zip'),
    checksum: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    signature: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9+/]+=*$' })),
    url: Type.String({ pattern: '^https?://' }),
  },
  { additionalProperties: false },
)
const Manifest = Type.Object(
  {
    ...bundle,
    artifactType: Type.Literal('manifest'),
    // On iOS a query of its own would be lost.
    url: Type.String({ pattern: '^https?://[^?#]+$' }),
  },
  { additionalProperties: false },
)
const LatestBundle = Type.Union([Zip, Manifest])
type LatestBundle = Static<typeof LatestBundle>

const validator = createCheck(LatestBundle)

const remember = rememberAnswers()

/** Capawesome §3. */
export function renderDecision(answer: UpdateAnswer, request: PlainRequest): PlainAnswer {
  const { decision } = answer
  switch (decision.kind) {
    case 'update': {
      const { release, mandatory } = decision
      const { publicUrl, params, query } = request
      const variant = [answer.channel, mandatory, takesFiles(answer, release), publicUrl, params.app, query.platform]
      return jsonAnswer(remember(release, variant.join('\n'), () => write(bundleOf(release, answer, request))))
    }
    case 'embedded':
      throw new Error('An answer was stopped that Capawesome §3 has no word for: embedded.')
    case 'native-update-required': {
      const { minNativeVersion } = decision.nativeUpdate
      return refusal(decision.kind, `The version ${minNativeVersion} of the shell is required.`, 404)
    }
    case 'up-to-date':
      return refusal(decision.reason, REASON_SENTENCES[decision.reason], 404)
  }
}

function bundleOf(release: OfferedRelease, answer: UpdateAnswer, request: PlainRequest): LatestBundle {
  const { id, version, notes } = release
  const { channel, decision } = answer
  const mandatory = decision.kind === 'update' && decision.mandatory
  const shared = {
    bundleId: id,
    ...(channel && { channelName: channel }),
    customProperties: { version, mandatory: String(mandatory), ...(notes !== '' && { notes }) },
  }
  if (takesFiles(answer, release)) return { ...shared, artifactType: 'manifest', url: filesUrl(id, channel, request) }
  const { sha256 } = contentOf(release, 'archive')
  const signature = signatureOf(release, sha256)
  return {
    ...shared,
    artifactType: 'zip',
    checksum: sha256,
    ...(signature !== undefined && { signature }),
    url: offeredUrl(request.publicUrl, sha256, id),
  }
}

/** @throws when it would not be as it must: what is malformed never leaves the server */
function write(rendered: LatestBundle): string {
  if (validator.Check(rendered)) return JSON.stringify(rendered)
  const first = validator.Errors(rendered)[0]
  throw new Error(`An answer was stopped that is not as Capawesome §3 has it: ${JSON.stringify(first)}`)
}
