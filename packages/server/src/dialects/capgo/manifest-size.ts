import { readArray, readObject } from '@hotpatch/protocol'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { AskedRelease } from '../../updates/dialect.ts'
import { asProblem, text, type Fields } from '../reading/read-fields.ts'
import { listedFiles } from './manifest.ts'
import { readDevice } from './read-device.ts'

const MAX_FILES = 5_000

/**
 * Capgo §8.
 * @throws problem invalid-request, or platform-not-found
 */
export function readManifestQuestion(fields: Fields): AskedRelease {
  return asProblem(() => {
    const { deviceId, platform, channel } = readDevice(fields)
    readFiles(fields)
    return { deviceId, platform, channel, name: { version: text(fields, 'version', 64) } }
  })
}

/** What the plugin would download: it sends the entries that it lacks, and gets them back with their sizes. */
export function renderSizes(release: OfferedRelease | undefined, fields: Fields): string {
  const listed = release ? (listedFiles(release, fields) ?? []) : []
  const sizes = new Map(listed.map(({ name, sizeBytes }) => [name, sizeBytes]))
  const files = readFiles(fields).map((entry) => {
    const size = sizes.get(entry.file_name)
    return size === undefined ? { ...entry, error: 'not_found' } : { ...entry, size }
  })
  const known = files.flatMap((file) => ('size' in file ? [file.size] : []))
  return JSON.stringify({
    totalSize: known.reduce((sum, size) => sum + size, 0),
    knownFiles: known.length,
    unknownFiles: files.length - known.length,
    files,
  })
}

function readFiles({ manifest }: Fields) {
  return readArray(manifest, '/manifest', MAX_FILES).map((item, index) => {
    const at = `/manifest/${index}`
    const entry = readObject(item, at)
    return {
      file_name: text(entry, 'file_name', 1_000),
      file_hash: text(entry, 'file_hash', 1_000),
      download_url: text(entry, 'download_url', 2_000),
    }
  })
}
