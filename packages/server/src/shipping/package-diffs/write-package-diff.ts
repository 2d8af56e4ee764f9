import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { CHANGES_MANIFEST, isPackaged } from '@hotpatch/protocol'
import { checkArchive } from '../content/archive/archive-check.ts'
import { readArchiveDirectory } from '../content/archive/archive-directory.ts'
import { createHashing } from '../content/archive/hash-files.ts'
import { packageHashOf } from '../content/archive/package-hash.ts'
import { packedBytesOf, TAKEN_LIMITS } from '../content/archive/taken-archive.ts'
import type { PackageDiffAnswer, PackageDiffQuestion } from './package-diffs.ts'
import { createZipWriter } from './zip-writer.ts'

/** Code Push §6. */
const WORTH_SHARE = 0.9

/** Code Push §6: what a device that has `base` lacks of `source`, and what it has to remove. */
export async function writePackageDiff(question: PackageDiffQuestion): Promise<PackageDiffAnswer> {
  const { source, base, target, packageHash } = question
  const [before, after] = [await hashesOf(base), await hashesOf(source)]
  const deletedFiles = [...before.keys()].filter((path) => !after.has(path))
  const changed = new Set([...after].flatMap(([path, sha256]) => (before.get(path) === sha256 ? [] : [path])))
  // A package of its own with such a file would be taken for what changed.
  if (after.has(CHANGES_MANIFEST) || packageHashOf(filesOf(after)) !== packageHash) return { bytes: undefined }
  await writeZip({ source, target, deletedFiles, changed })
  const { size: sizeBytes } = await stat(target)
  if (sizeBytes > (await stat(source)).size * WORTH_SHARE) return { bytes: undefined }
  return { bytes: { sha256: await digestOf(target), sizeBytes } }
}

async function hashesOf(path: string): Promise<ReadonlyMap<string, string>> {
  const hashing = createHashing()
  await checkArchive(path, TAKEN_LIMITS, { openFile: () => hashing.open })
  return new Map(hashing.files.flatMap((file) => (isPackaged(file.path) ? [[file.path, file.sha256] as const] : [])))
}

function filesOf(hashes: ReadonlyMap<string, string>) {
  return [...hashes].map(([path, sha256]) => ({ path, sha256 }))
}

async function writeZip(diff: {
  source: string
  target: string
  deletedFiles: readonly string[]
  changed: ReadonlySet<string>
}): Promise<void> {
  await using from = await open(diff.source)
  await using to = await open(diff.target, 'w')
  const zip = createZipWriter(async (bytes) => void (await to.write(bytes)))
  const manifest = Buffer.from(JSON.stringify({ deletedFiles: diff.deletedFiles }))
  await zip.addStored(CHANGES_MANIFEST, manifest)
  const { entries } = await readArchiveDirectory(from, TAKEN_LIMITS)
  for (const entry of entries) {
    if (!entry.isFolder && diff.changed.has(entry.path)) await zip.addPacked(entry, packedBytesOf(from, entry))
  }
  await zip.finish()
}

async function digestOf(path: string): Promise<string> {
  await using file = await open(path)
  const sum = createHash('sha256')
  for await (const chunk of file.createReadStream({ autoClose: false })) sum.update(chunk as Buffer)
  return sum.digest('hex')
}
