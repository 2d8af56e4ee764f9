import { hexFromBytes, readArray, readInteger, readObject, readString } from '@hotpatch/protocol'
import type { CryptoPort, FilesPort } from '@hotpatch/device-ground'
import { readJson, writeJson } from '../ground/json-file.ts'
import { MARKER, SLOTS, type Slot } from './storage-layout.ts'
import { readInstalledRelease, type InstalledRelease } from './stored-state.ts'

export interface ReleaseFile {
  path: string
  sizeBytes: number
  sha256: string
}

/** Engine §1: what a release directory holds, written by the engine after everything else in it is durable. */
export interface ReleaseMarker {
  release: InstalledRelease
  files: readonly ReleaseFile[]
}

const MAX_FILES = 1_000_000
const CHUNK = 256 * 1024

export async function writeMarker(files: FilesPort, root: string, marker: ReleaseMarker): Promise<void> {
  await writeJson(files, `${root}/${MARKER}`, marker)
}

/** Of a tree that is being made: what of it may be there, and nothing else. It holds no release. */
export async function writeUnfinishedMarker(
  files: FilesPort,
  root: string,
  tree: { sha256: string; files: readonly ReleaseFile[] },
): Promise<void> {
  await writeJson(files, `${root}/${MARKER}`, tree)
}

/** Which release's files may lie in a tree, finished or not. */
export function readTree(
  files: FilesPort,
  root: string,
): Promise<{ sha256: string; files: readonly ReleaseFile[] } | undefined> {
  return readJson(files, `${root}/${MARKER}`, (value) => {
    const json = readObject(value, '')
    const { sha256 } = json.release === undefined ? json : readInstalledRelease(json.release)
    return { sha256: readString(sha256, '/sha256'), files: readReleaseFiles(json.files) }
  })
}

/**
 * The release that a slot holds whole, judged by the sizes of its files: cheap enough for every start.
 * A torn removal or a lost file is seen; `thorough` also reads every byte, for trees about to change places.
 */
export async function inspectSlot(
  { files, crypto }: { files: FilesPort; crypto: CryptoPort },
  slot: Slot,
  { thorough = false } = {},
): Promise<InstalledRelease | undefined> {
  const marker = await readJson(files, `${SLOTS[slot]}/${MARKER}`, readMarker)
  if (!marker) return undefined
  for (const file of marker.files) {
    const path = `${SLOTS[slot]}/${file.path}`
    const stat = await files.stat(path)
    if (stat?.kind !== 'file' || stat.sizeBytes !== file.sizeBytes) return undefined
    if (thorough && (await hashFile({ files, crypto }, path, file.sizeBytes)) !== file.sha256) return undefined
  }
  return marker.release
}

export async function hashFile(
  { files, crypto }: { files: Pick<FilesPort, 'readRange'>; crypto: CryptoPort },
  path: string,
  sizeBytes: number,
): Promise<string> {
  const hasher = crypto.sha256()
  for (let offset = 0; offset < sizeBytes; offset += CHUNK) {
    hasher.update(await files.readRange(path, offset, Math.min(CHUNK, sizeBytes - offset)))
  }
  return hexFromBytes(await hasher.digest())
}

function readMarker(value: unknown): ReleaseMarker {
  const json = readObject(value, '')
  return { release: readInstalledRelease(json.release), files: readReleaseFiles(json.files) }
}

export function readReleaseFiles(value: unknown): ReleaseFile[] {
  return readArray(value, '/files', MAX_FILES).map((item, index) => {
    const file = readObject(item, `/files/${index}`)
    return {
      path: readString(file.path, `/files/${index}/path`),
      sizeBytes: readInteger(file.sizeBytes, `/files/${index}/sizeBytes`, 0),
      sha256: readString(file.sha256, `/files/${index}/sha256`),
    }
  })
}
