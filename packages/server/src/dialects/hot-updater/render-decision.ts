import { isInNativeRange, NO_BUILD, parseNativeRange, parseNativeVersion } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { contentOf } from '../../updates/content-of.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import { changedAssets, listedBuild } from './changed-assets.ts'
import { readSdkVersion, toldBundleId } from './read-update-check.ts'

/** What a manifest may have for an id, and no other: else what was taken at the publish would stop every check. */
const BuildId = Type.String({ pattern: `^(?!${NO_BUILD}$)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$` })
const Address = Type.String({ pattern: '^https?://' })
const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' })
const FileHash = Type.String({ pattern: '^(?:[0-9a-f]{64}|sig:[A-Za-z0-9+/]+=*)$' })
const Message = Type.Union([Type.String({ minLength: 1 }), Type.Null()])
/** As the client resolves it inside of its folder. */
const AssetPath = Type.String({ pattern: '^(?![/\\\\])[^\\\\]+$' })
const ChangedAsset = Type.Object(
  {
    fileHash: Digest,
    file: Type.Object(
      { url: Address, compression: Type.Optional(Type.Literal('br')) },
      { additionalProperties: false },
    ),
    patch: Type.Optional(
      Type.Object(
        {
          algorithm: Type.Literal('bsdiff'),
          baseBundleId: BuildId,
          baseFileHash: Digest,
          patchFileHash: Digest,
          patchUrl: Address,
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

/** Hot-updater §3. */
const Build = Type.Object(
  {
    id: BuildId,
    status: Type.Union([Type.Literal('UPDATE'), Type.Literal('ROLLBACK')]),
    shouldForceUpdate: Type.Boolean(),
    message: Message,
    fileUrl: Address,
    fileHash: FileHash,
    manifestUrl: Type.Optional(Address),
    manifestFileHash: Type.Optional(FileHash),
    changedAssets: Type.Optional(Type.Record(AssetPath, ChangedAsset, { additionalProperties: false })),
  },
  { additionalProperties: false },
)
const validator = createCheck(Build)
const remember = rememberAnswers()

const EMBEDDED = JSON.stringify({
  id: NO_BUILD,
  status: 'ROLLBACK',
  shouldForceUpdate: true,
  message: null,
  fileUrl: null,
  fileHash: null,
})
const UP_TO_DATE = JSON.stringify({ status: 'UP_TO_DATE' })

/** Hot-updater §3. */
export function renderDecision(answer: UpdateAnswer, request: PlainRequest): PlainAnswer {
  const { decision } = answer
  switch (decision.kind) {
    case 'update': {
      const { release, mandatory } = decision
      const { publicUrl } = request
      const isForward = buildIdOf(release) > toldBundleId(request)
      // Which lists are in memory changes while the release stays.
      const isListed = listedBuild(release) !== undefined && answer.running?.held.files
      const patch = isListed ? answer.patch?.sha256 : ''
      const variant = [isForward, mandatory, isListed ? answer.running?.id : '', patch, publicUrl].join(' ')
      const text = remember(release, variant, () => write(release, { answer, isForward, publicUrl }))
      return jsonAnswer(text)
    }
    case 'embedded':
      return jsonAnswer(EMBEDDED)
    case 'native-update-required':
    case 'up-to-date':
      return jsonAnswer(knowsUpToDate(request) ? UP_TO_DATE : 'null')
  }
}

interface Offering {
  answer: UpdateAnswer
  /** Whether the client takes it for newer than what it has: else it takes it only as a way back. */
  isForward: boolean
  publicUrl: string
}

/** @throws when it would not be as it must: what is malformed never leaves the server */
function write(release: OfferedRelease, offering: Offering): string {
  const rendered = buildOf(release, offering)
  if (validator.Check(rendered)) return JSON.stringify(rendered)
  throw stopped(release, JSON.stringify(validator.Errors(rendered)[0]))
}

function buildOf(release: OfferedRelease, { answer, isForward, publicUrl }: Offering): Static<typeof Build> {
  const { sha256 } = contentOf(release, 'archive')
  const { decision } = answer
  const isMandatory = decision.kind === 'update' && decision.mandatory
  return {
    id: buildIdOf(release),
    status: isForward ? 'UPDATE' : 'ROLLBACK',
    shouldForceUpdate: !isForward || isMandatory,
    message: release.notes === '' ? null : release.notes,
    fileUrl: offeredUrl(publicUrl, sha256, release.id),
    fileHash: fileHash(release, sha256),
    ...fileByFile(release, answer, publicUrl),
  }
}

/** Hot-updater §8: of what its binary shipped with a client has no list. */
function fileByFile(release: OfferedRelease, { running, patch }: UpdateAnswer, publicUrl: string) {
  const before = running && listedBuild(running)
  const build = before && listedBuild(release)
  if (!build) return {}
  const { sha256 } = build.manifest
  const manifestHash = fileHash(release, sha256)
  // A client with a key would download it in vain.
  if (isSigned(manifestHash) !== isSigned(fileHash(release, contentOf(release, 'archive').sha256))) return {}
  return {
    manifestUrl: offeredUrl(publicUrl, sha256, release.id),
    manifestFileHash: manifestHash,
    changedAssets: changedAssets(build, before, {
      releaseId: release.id,
      publicUrl,
      patch,
      baseBuildId: buildIdOf(running),
    }),
  }
}

/** Hot-updater §10: where its publisher has signed it, the signature alone, which says the digest, too. */
function fileHash({ signatures }: OfferedRelease, sha256: string): string {
  const signed = signatures?.find(({ scheme, subject }) => scheme === 'rsa-sha256-digest' && subject === sha256)
  return signed ? SIGNED + signed.value : sha256
}

const SIGNED = 'sig:'

function isSigned(hash: string): boolean {
  return hash.startsWith(SIGNED)
}

function buildIdOf(release: OfferedRelease): string {
  if (release.buildId) return release.buildId
  throw stopped(release, 'it is no build with an id')
}

function stopped({ id }: OfferedRelease, why: string): Error {
  return new Error(`An answer was stopped that is not as Hot-updater §3 has it, of the release ${id}: ${why}`)
}

const KNOWS_UP_TO_DATE = parseNativeRange('>=0.31.0')

function knowsUpToDate(request: PlainRequest): boolean {
  const version = parseNativeVersion(readSdkVersion(request) ?? '')
  return version !== undefined && KNOWS_UP_TO_DATE !== undefined && isInNativeRange(version, KNOWS_UP_TO_DATE)
}
