import {
  expoManifestOf,
  expoUpdateId,
  expoUpdateOf,
  readExpoManifest,
  UnexpectedJsonError,
  writeExpoManifest,
  writeExpoTime,
  type ExpoUpdate,
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
 * Expo §4. All but the id and the time is written once for each runtime version and address, and held against the strict
 * schema: a phone on iOS ends its app over what is malformed.
 * @throws when it would not be a manifest: none that is malformed leaves the server
 */
function writeManifest(release: OfferedRelease, { at, place, id, runtimeVersion, assetsUrl }: Placing): string {
  const rest = rememberRest(filesOf(release), `${runtimeVersion}\n${assetsUrl}`, () =>
    restOf(release, checked(release, { ...updateOf(release), runtimeVersion }, { at: 0, place: '', assetsUrl })),
  )
  return headOf(id ?? expoUpdateId(digestOf(release), at, place), writeExpoTime(at)) + rest
}

function filesOf(release: OfferedRelease): readonly OfferedFile[] {
  const { files } = release.held
  if (files) return files
  throw stopped(release, 'its list of files is not in memory')
}

/** Of a release, once for each list that is held. */
const updates = new WeakMap<object, ExpoUpdate>()

function updateOf(release: OfferedRelease): ExpoUpdate {
  const { exported } = release.held
  const files = filesOf(release)
  if (!exported) throw stopped(release, 'it is no export of Expo')
  const known = updates.get(files)
  if (known) return known
  const { config, ...listed } = exported
  const update = expoUpdateOf(listed, files, { sha256: digestOf(release), runtimeVersion: '', config })
  updates.set(files, update)
  return update
}

function digestOf(release: OfferedRelease): string {
  return contentOf(release, 'files').sha256
}

function checked(release: OfferedRelease, update: ExpoUpdate, placing: Parameters<typeof expoManifestOf>[1]): string {
  const text = writeExpoManifest(expoManifestOf(update, placing))
  try {
    readExpoManifest(text)
    return text
  } catch (cause) {
    if (cause instanceof UnexpectedJsonError) throw stopped(release, cause.message)
    throw cause
  }
}

function stopped({ id }: OfferedRelease, why: string): Error {
  return new Error(`An answer was stopped that is not as Expo §4 has it, of the release ${id}: ${why}`)
}

function headOf(id: string, createdAt: string): string {
  return `{"id":"${id}","createdAt":"${createdAt}",`
}

/** What follows the id and the time, which stand first and always have the same length. */
function restOf({ id }: OfferedRelease, text: string): string {
  const length = headOf('00000000-0000-0000-0000-000000000000', '1970-01-01T00:00:00.000Z').length
  const rest = text.slice(length)
  if (!rest.startsWith('"runtimeVersion":')) throw new Error(`The manifest of the release ${id} begins otherwise.`)
  return rest
}
