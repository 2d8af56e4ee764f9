import {
  expoManifestOf,
  expoUpdateId,
  expoUpdateOf,
  readExpoAddress,
  readExpoManifest,
  readExpoRuntimeVersion,
  UnexpectedJsonError,
  writeExpoManifest,
  writeExpoTime,
} from '@hotpatch/protocol'
import type { Body } from '../../ground/http/made-body.ts'
import type { OfferedAnswer } from '../../shipping/signed-answers/signed-answer-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { contentOf } from '../../updates/content-of.ts'
import type { OfferedFile } from '../../updates/held-file-queries.ts'
import { rememberAnswers, rememberTexts } from '../writing/remember-answers.ts'
import { writeParts } from './answers.ts'

export interface Placing {
  at: number
  /** The rollout. */
  place: string
  /** Of what the device has under another place. */
  id?: string
  runtimeVersion: string
  assetsUrl: string
}

const rememberBody = rememberAnswers()
const rememberRest = rememberTexts()

/** Expo §3, §4: all that is sent of it, of which there may be some 250 bytes for each file, made once. */
export function writeBody(
  release: OfferedRelease,
  placing: Placing,
  version: 0 | 1,
  signedAnswer: OfferedAnswer | undefined,
): Body {
  const { at, place, id, runtimeVersion, assetsUrl } = placing
  const variant = [version, at, place, id, runtimeVersion, assetsUrl].join('\n')
  // What was signed is of one release, as its files are.
  return rememberBody(signedAnswer ?? filesOf(release), variant, () => {
    const body = writeManifest(release, placing)
    return version === 1 ? writeParts({ name: 'manifest', body }, signedAnswer) : body
  })
}

/**
 * Expo §4. All but the id, the time, the runtime version and the addresses is written once, and held against the strict
 * schema: a phone on iOS ends its app over what is malformed. The others a client can make up anew with every request.
 * @throws when it would not be a manifest: none that is malformed leaves the server
 */
function writeManifest(release: OfferedRelease, { at, place, id, runtimeVersion, assetsUrl }: Placing): string {
  const sha256 = digestOf(release)
  // In no config: that is in the digest.
  const anywhere = `https://${sha256}.invalid/assets`
  const rest = rememberRest(filesOf(release), '', () => restOf(release, anywhere))
  checked(release, () => readExpoRuntimeVersion(runtimeVersion, '/runtimeVersion'))
  checked(release, () => readExpoAddress(`${assetsUrl}/${sha256}`, '/launchAsset/url'))
  const head = headOf(id ?? expoUpdateId(sha256, at, place), writeExpoTime(at), runtimeVersion)
  return head + rest.replaceAll(anywhere, assetsUrl)
}

function filesOf(release: OfferedRelease): readonly OfferedFile[] {
  const { files } = release.held
  if (files) return files
  throw stopped(release, 'its list of files is not in memory')
}

function digestOf(release: OfferedRelease): string {
  return contentOf(release, 'files').sha256
}

function checked<Read>(release: OfferedRelease, read: () => Read): Read {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof UnexpectedJsonError) throw stopped(release, cause.message)
    throw cause
  }
}

function stopped({ id }: OfferedRelease, why: string): Error {
  return new Error(`An answer was stopped that is not as Expo §4 has it, of the release ${id}: ${why}`)
}

function headOf(id: string, createdAt: string, runtimeVersion: string): string {
  return `{"id":"${id}","createdAt":"${createdAt}","runtimeVersion":${JSON.stringify(runtimeVersion)},`
}

/** What follows the id and the time, which stand first and always have the same length, and the runtime version. */
function restOf(release: OfferedRelease, assetsUrl: string): string {
  const { exported } = release.held
  if (!exported) throw stopped(release, 'it is no export of Expo')
  const { config, ...listed } = exported
  const runtimeVersion = '1'
  const text = checked(release, () => {
    const update = expoUpdateOf(listed, filesOf(release), { sha256: digestOf(release), runtimeVersion, config })
    const written = writeExpoManifest(expoManifestOf(update, { at: 0, place: '', assetsUrl }))
    readExpoManifest(written)
    return written
  })
  const head = headOf('00000000-0000-0000-0000-000000000000', '1970-01-01T00:00:00.000Z', runtimeVersion)
  const rest = text.slice(head.length)
  if (!rest.startsWith('"launchAsset":')) throw new Error(`The manifest of the release ${release.id} begins otherwise.`)
  return rest
}
