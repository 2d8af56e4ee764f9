import { utf8FromText } from '@hotpatch/protocol'
import { PatchError, readTreePatch, type PatchedFile, type TreePatchInput } from '@hotpatch/delta'
import { copyRead } from '../files/copy-verified.ts'
import { expectRoom } from '../ground/room.ts'
import type { Limits } from '../ground/settings.ts'
import { takeTree } from '../install/finish-tree.ts'
import type { Installation } from '../install/installer.ts'
import { PENDING_TREE } from '../state/storage-layout.ts'
import type { PatchBase } from './find-base.ts'

/**
 * Patches §5.5: the list of files is the announced one, by its digest, before anything is written; then every file is
 * held against it, and made durable.
 * @throws PatchError
 */
export async function installPatch(
  { ports, settings: { limits }, download, release, makeWay }: Installation & { settings: { limits: Limits } },
  { base, tree, unpacking }: { base: PatchBase; tree: string; unpacking: TreePatchInput['unpacking'] },
): Promise<void> {
  const { files, crypto } = ports
  const patch = await readTreePatch({
    patch: {
      sizeBytes: download.sizeBytes,
      read: (offset, length) => files.readRange(download.path, offset, length),
    },
    base: base.files,
    targetSha256: tree,
    sha256: () => crypto.sha256(),
    unpacking,
    limits: { maxFileBytes: limits.patchPieceBytes, maxTargetBytes: limits.unpackedBytes },
  })
  expectWithinLimits(patch.files, limits)
  const sum = patch.files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0)
  await expectRoom(files, sum, 'what comes of the patch')
  await files.remove(PENDING_TREE)
  await files.makeDirectory(PENDING_TREE)
  const folders = new Set(patch.files.map(({ path }) => placeOf(path).slice(0, placeOf(path).lastIndexOf('/'))))
  for (const folder of folders) await files.makeDirectory(folder)
  for (const file of patch.files) await takeFromBase(ports, base, file)
  const readBase = async ({ path, sizeBytes }: { path: string; sizeBytes: number }) => {
    if (sizeBytes > limits.patchPieceBytes) throw tooLarge(`a base of up to ${limits.patchPieceBytes} bytes`, sizeBytes)
    // What cannot be read is not what the patch is for; the reader sees it.
    return (await base.readRange(path, 0, sizeBytes).catch(() => undefined)) ?? new Uint8Array()
  }
  for await (const { file, bytes } of patch.make(readBase)) await files.write(placeOf(file.path), bytes)
  const made = patch.files.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 }))
  await takeTree(files, { release, files: made }, makeWay)
}

async function takeFromBase(ports: Installation['ports'], base: PatchBase, file: PatchedFile): Promise<void> {
  if (file.from.kind !== 'kept' && file.from.kind !== 'moved') return
  const { path } = file.from.base
  const read = (offset: number, length: number) => base.readRange(path, offset, length)
  if (await copyRead(ports, read, { ...file, to: placeOf(file.path) })) return
  throw new PatchError('base-differs', `Expected ${path} as it was, found something else.`)
}

/** Of what the device takes in any other way, too. */
function expectWithinLimits(files: readonly PatchedFile[], limits: Limits): void {
  if (files.length > limits.fileCount) throw tooLarge(`up to ${limits.fileCount} files`, files.length)
  for (const { path } of files) {
    const { length } = utf8FromText(path)
    if (length > limits.pathBytes) throw tooLarge(`paths of up to ${limits.pathBytes} bytes`, length)
  }
}

function tooLarge(expected: string, found: number): PatchError {
  return new PatchError('patch-too-large', `Expected ${expected}, found ${found}.`)
}

function placeOf(path: string): string {
  return `${PENDING_TREE}/${path}`
}
