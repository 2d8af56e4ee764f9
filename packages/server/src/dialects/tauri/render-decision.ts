import { Type, type Static } from 'typebox'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedBinaryFile } from '../../shipping/content/binary/binary-kind.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { architectureNames } from '../reading/architectures.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import { BUNDLES, platformOfTarget, type TauriPlatform } from './tauri-takes.ts'

const Bundle = Type.Object(
  {
    url: Type.String({ pattern: '^https?://' }),
    signature: Type.String({ pattern: '^[A-Za-z0-9+/]+=*$' }),
    format: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

/** Tauri §3. */
const UpdateDocument = Type.Object(
  {
    version: Type.String({ pattern: '^v?\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$' }),
    notes: Type.Optional(Type.String({ minLength: 1 })),
    // One that is no date of RFC 3339 makes the updater throw all of it away.
    pub_date: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }),
    platforms: Type.Record(Type.String({ pattern: '^(linux|darwin|macos|windows)-[a-z0-9_]+(-[a-z]+)?$' }), Bundle),
    mandatory: Type.Boolean(),
  },
  { additionalProperties: false },
)
type UpdateDocument = Static<typeof UpdateDocument>

const validator = createCheck(UpdateDocument)
const remember = rememberAnswers()

/** Tauri §3: without content where there is nothing, whatever the reason; any other status means: ask elsewhere. */
export function renderDecision(answer: UpdateAnswer, request: PlainRequest): PlainAnswer {
  const { decision } = answer
  if (decision.kind !== 'update') return { status: 204, headers: ['cache-control', 'no-store'], body: '' }
  const { release, mandatory, rollout } = decision
  const { publicUrl } = request
  const { target = '', arch = '' } = request.params
  const platform = platformOfTarget(target)
  const bundle = bundlesOf(platform).find(({ name }) => name === request.query.bundle_type)?.name
  const variant = [mandatory, publicUrl, target, arch, bundle].join('\n')
  const body = remember(rollout, variant, () => {
    const { version, notes } = release
    return write({
      version,
      ...(notes !== '' && { notes }),
      pub_date: new Date(rollout.startedAt ?? 0).toISOString(),
      platforms: platformsOf(release, { platform, key: `${target}-${arch}`, arch, bundle, publicUrl }),
      mandatory,
    })
  })
  return jsonAnswer(body)
}

function bundlesOf(platform: TauriPlatform | undefined) {
  return platform ? BUNDLES[platform] : []
}

interface Asking {
  platform: TauriPlatform | undefined
  /** What the updater calls the two. */
  key: string
  arch: string
  bundle: string | undefined
  publicUrl: string
}

/** The key of its bundle is what the updater looks for first, and the one without; older ones know only that. */
function platformsOf(
  release: OfferedRelease,
  { platform, key, arch, bundle, publicUrl }: Asking,
): UpdateDocument['platforms'] {
  const found = bundlesOf(platform).flatMap(({ name, format, packager }) => {
    const file = fileFor(release, { platform, arch, format })
    const entry = file && entryOf(file, release, publicUrl)
    return entry ? [{ name, entry: { ...entry, ...(packager !== undefined && { format: packager }) } }] : []
  })
  const own = found.find(({ name }) => name === bundle) ?? found[0]
  return Object.fromEntries([
    ...found.map(({ name, entry }) => [`${key}-${name}`, entry] as const),
    ...(own ? [[key, own.entry] as const] : []),
  ])
}

function fileFor(
  { content }: OfferedRelease,
  { platform, arch, format }: { platform: string | undefined; arch: string; format: string },
): OfferedBinaryFile | undefined {
  if (content.kind !== 'binary') return undefined
  const names = architectureNames(arch)
  return content.files.find(
    (file) =>
      (file.platform === platform || file.platform === 'any') &&
      file.format === format &&
      names.includes(file.architecture.toLowerCase()),
  )
}

function entryOf({ sha256, url, signatures }: OfferedBinaryFile, { id }: OfferedRelease, publicUrl: string) {
  const signature = signatures?.find(({ scheme }) => scheme === 'minisign')?.value
  return signature === undefined ? undefined : { url: url ?? offeredUrl(publicUrl, sha256, id), signature }
}

/** @throws when it would not be as it must: what is malformed never leaves the server */
function write(document: UpdateDocument): string {
  if (validator.Check(document) && Object.keys(document.platforms).length > 0) return JSON.stringify(document)
  const first = validator.Errors(document)[0] ?? 'no platform'
  throw new Error(`An answer was stopped that is not as Tauri §3 has it: ${JSON.stringify(first)}`)
}
