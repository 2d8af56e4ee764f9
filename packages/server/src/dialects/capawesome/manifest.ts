import { createHash } from 'node:crypto'
import type { Body } from '../../ground/http/made-body.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedFile } from '../../updates/held-file-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { rememberAnswers, rememberTexts } from '../writing/remember-answers.ts'
import { signatureOf } from './signatures.ts'
import { contentOf } from '../../updates/content-of.ts'

/** The plugin asks for it by this name, and keeps it beside the files. */
export const MANIFEST = 'capawesome-live-update-manifest.json'

/** A device asks for each of them by itself. */
const MAX_FILES = 5_000

/** Capawesome §4: whether the device is to take the release file by file. */
export function takesFiles({ device, running }: UpdateAnswer, release: OfferedRelease): boolean {
  const { files } = release.held
  if (!files || !canBeListed(files) || isSignedAsWhole(release)) return false
  if (device.currentReleaseId === null) return true
  const present = running?.held.files
  return present !== null && present !== undefined && copiesRightly(present, files)
}

/** With a key the plugin wants a signature of every file, and of the list; nothing says whether it has one. */
function isSignedAsWhole(release: OfferedRelease): boolean {
  return signatureOf(release, contentOf(release, 'archive').sha256) !== undefined && !hasOwnManifest(release)
}

const signedOneByOne = new WeakMap<object, boolean>()

/** Whether its publisher has made and signed the list, and signed every file: then that list is served. */
export function hasOwnManifest({ signatures, held: { files } }: OfferedRelease): boolean {
  if (!signatures || !files) return false
  const known = signedOneByOne.get(signatures)
  if (known !== undefined) return known
  const signed = new Set(signatures.flatMap(({ scheme, subject }) => (scheme === 'rsa-sha256' ? [subject] : [])))
  const found = files.some(({ path }) => path === MANIFEST) && files.every(({ sha256 }) => signed.has(sha256))
  signedOneByOne.set(signatures, found)
  return found
}

const listable = new WeakMap<readonly OfferedFile[], boolean>()

function canBeListed(files: readonly OfferedFile[]): boolean {
  const known = listable.get(files)
  if (known !== undefined) return known
  // On iOS a plus in a name arrives as a space does.
  const names = new Set(files.map(({ path }) => asAsked(path)))
  const found = files.length <= MAX_FILES && names.size === files.length
  listable.set(files, found)
  return found
}

const rightly = new WeakMap<readonly OfferedFile[], WeakMap<readonly OfferedFile[], boolean>>()

/**
 * The plugin looks whether a checksum is among those of the files that it has, and then copies the file with the *new*
 * path: where contents changed places, that would be the wrong one.
 */
function copiesRightly(present: readonly OfferedFile[], next: readonly OfferedFile[]): boolean {
  const ofNext = rightly.get(next) ?? new WeakMap<readonly OfferedFile[], boolean>()
  rightly.set(next, ofNext)
  const known = ofNext.get(present)
  if (known !== undefined) return known
  const digests = new Map(present.map(({ path, sha256 }) => [path, sha256]))
  const checksums = new Set(digests.values())
  const found = next.every(({ path, sha256 }) => {
    return !checksums.has(sha256) || (digests.get(path) ?? sha256) === sha256
  })
  ofNext.set(present, found)
  return found
}

const rememberList = rememberAnswers()
const rememberChecksum = rememberTexts()

/** The list of the files, and the digest of that list. */
export function writeManifest(files: readonly OfferedFile[]): { body: Body; checksum: string } {
  const write = () => JSON.stringify(listed(files).map(asItem))
  return {
    body: rememberList(files, '', write),
    checksum: rememberChecksum(files, '', () => createHash('sha256').update(write()).digest('hex')),
  }
}

/** One of that name in the release would be taken for the list. */
function listed(files: readonly OfferedFile[]): readonly OfferedFile[] {
  return files.filter(({ path }) => path !== MANIFEST)
}

function asItem({ path, sha256, sizeBytes }: OfferedFile) {
  return { href: path, checksum: sha256, sizeInBytes: sizeBytes }
}

const byHref = new WeakMap<readonly OfferedFile[], ReadonlyMap<string, OfferedFile>>()

export function findFile(files: readonly OfferedFile[], href: string): OfferedFile | undefined {
  const known = byHref.get(files) ?? new Map(files.map((file) => [asAsked(file.path), file]))
  byHref.set(files, known)
  return known.get(asAsked(href))
}

function asAsked(path: string): string {
  return path.replaceAll('+', ' ')
}
