import { MAX_FILES_MANIFEST_BYTES, type ManifestFile } from '@hotpatch/protocol'
import { expectRoom } from '../ground/room.ts'
import { UpdateError } from '../ground/update-error.ts'
import { takeTree } from '../install/finish-tree.ts'
import type { FetchingInstallation, Installation, Installer } from '../install/installer.ts'
import { hashFile, readTree, writeUnfinishedMarker, type ReleaseFile } from '../state/release-tree.ts'
import { PENDING_BEFORE, PENDING_PARTS, PENDING_TREE } from '../state/storage-layout.ts'
import { copyVerified, findCopies, type Copies } from './copy-verified.ts'
import { fetchFile } from './fetch-file.ts'
import { inParallel } from './in-parallel.ts'
import { readList } from './read-list.ts'

/** Content §4: files by path. What is on the device already is copied, the rest is fetched, each by itself. */
export const filesInstaller: Installer = {
  kind: 'files',
  maxBytes: ({ bundleBytes }) => Math.min(bundleBytes, MAX_FILES_MANIFEST_BYTES),

  async install(installation) {
    const { ports, release, makeWay } = installation
    const { files } = ports
    const { files: listed, launch } = await readList(installation)
    const first = launch === undefined ? {} : { launch }
    const isGoneOnWith = await beginTree(installation, listed)
    const rest = isGoneOnWith ? await leaveOutWhole(ports, listed) : listed
    await expectRoom(files, sumOf(rest), 'what is not there yet')
    await makeFolders(installation, rest)
    const copies = await findCopies(files)
    const missing = await takeCopies(installation, rest, copies)
    const isLacking = new Set(rest)
    const earlier = sumOf(listed.filter((file) => !isLacking.has(file) && !copies.has(file.sha256)))
    const receivedBytes = await fetchMissing(installation, missing)
    const tree: ReleaseFile[] = listed.map(({ path, sha256, sizeBytes }) => ({ path, sizeBytes, sha256 }))
    await takeTree(files, { release: { ...release, ...first }, files: tree }, makeWay)
    return { receivedBytes: earlier + receivedBytes, ...first }
  },
}

/**
 * The tree says what it will be before anything of it is there. Whether there is something: an earlier process may have
 * begun the same one. What was begun for another release is kept as a place to copy from.
 */
async function beginTree(
  { ports: { files }, release }: Installation,
  listed: readonly ManifestFile[],
): Promise<boolean> {
  const begun = await readTree(files, PENDING_TREE)
  const isSame = begun?.sha256 === release.sha256
  if (!isSame) {
    await files.remove(PENDING_PARTS)
    if (begun) {
      await files.remove(PENDING_BEFORE)
      await files.rename(PENDING_TREE, PENDING_BEFORE)
    } else {
      await files.remove(PENDING_TREE)
    }
    await files.makeDirectory(PENDING_TREE)
  }
  await writeUnfinishedMarker(files, PENDING_TREE, { sha256: release.sha256, files: listed })
  return isSame
}

async function leaveOutWhole(ports: Installation['ports'], listed: readonly ManifestFile[]): Promise<ManifestFile[]> {
  const rest: ManifestFile[] = []
  for (const file of listed) {
    const path = placeOf(file)
    const stat = await ports.files.stat(path)
    const mayBeWhole = stat?.kind === 'file' && stat.sizeBytes === file.sizeBytes
    // A process that was killed may have written what the disk does not have yet.
    if (mayBeWhole && (await hashFile(ports, path, file.sizeBytes)) === file.sha256) await ports.files.sync(path)
    else rest.push(file)
  }
  return rest
}

async function makeFolders({ ports: { files } }: Installation, wanted: readonly ManifestFile[]): Promise<void> {
  const folders = new Set(wanted.map((file) => placeOf(file).slice(0, placeOf(file).lastIndexOf('/'))))
  for (const folder of folders) await files.makeDirectory(folder)
}

/** Those that have to be fetched, by their digest: files with the same bytes come once. */
async function takeCopies(
  { ports }: Installation,
  wanted: readonly ManifestFile[],
  copies: Copies,
): Promise<ManifestFile[][]> {
  const missing = new Map<string, ManifestFile[]>()
  for (const file of wanted) {
    const alike = missing.get(file.sha256)
    if (alike) alike.push(file)
    else if (!(await takeCopy(ports, file, copies.get(file.sha256) ?? []))) missing.set(file.sha256, [file])
  }
  return [...missing.values()]
}

async function takeCopy(ports: Installation['ports'], file: ManifestFile, copies: readonly string[]): Promise<boolean> {
  for (const copy of copies) if (await copyVerified(ports, copy, placeOf(file), file)) return true
  return false
}

async function fetchMissing(
  { ports, settings, download, fileUrl, onListed, onFetched, onProgress }: FetchingInstallation,
  missing: readonly ManifestFile[][],
): Promise<number> {
  if (fileUrl === null) throw new UpdateError('answer-invalid', 'the answer does not say where the files are')
  const total = download.sizeBytes + sumOf(missing.map(([file]) => file as ManifestFile))
  const deadline = ports.clock.elapsed() + settings.limits.downloadTimeoutMs
  let [received, shown] = [0, download.sizeBytes]
  onListed()
  onProgress(shown, total)
  await inParallel(missing, settings.limits.parallelDownloads, async ([first, ...alike], isStopped) => {
    if (!first) return
    let before = 0
    const advance = (now: number) => {
      shown += now - before
      before = now
      onProgress(shown, total)
    }
    const context = { ports, settings, deadline, isStopped, onProgress: advance }
    const came = await fetchFile(first, { target: placeOf(first), fileUrl }, context)
    received += came
    for (const file of alike) {
      if (await copyVerified(ports, placeOf(first), placeOf(file), file)) continue
      throw new UpdateError('storage-failed', `${first.path} was written, and is not what was written`)
    }
  })
  onFetched()
  return received
}

function placeOf({ path }: ManifestFile): string {
  return `${PENDING_TREE}/${path}`
}

function sumOf(files: readonly ManifestFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
