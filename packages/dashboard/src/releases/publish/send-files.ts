import { MAX_BATCH_BYTES, MAX_BATCH_FILES, type NewReleaseContent } from '@hotpatch/api'
import { writeFilesManifest, type ManifestFile } from '@hotpatch/protocol'
import type { DroppedFile } from './dropped-files.ts'
import { digestFiles } from './pack.ts'
import { persistently, sendResumable, type Sending } from './send.ts'

/** What is larger goes by itself, and goes on where it broke off. */
const BATCHED_BYTES = 8 * 1024 * 1024

interface Asset extends ManifestFile {
  file: File
}

/**
 * Brings every file that the app does not have yet, and then what lists them.
 * @param launch the path of the file that is run first, where there is one
 */
export async function sendAssets(
  files: readonly DroppedFile[],
  launch: string | undefined,
  sending: Sending & { onPacked: (doneBytes: number) => void },
): Promise<Extract<NewReleaseContent, { kind: 'files' }>> {
  const { api, app, signal } = sending
  const digests = await digestFiles(files, { onProgress: sending.onPacked, signal })
  const assets = files.map(({ path, file }, index): Asset => ({
    path,
    file,
    sha256: digests[index] ?? '',
    sizeBytes: file.size,
  }))
  const asked = [...new Map(assets.map((asset) => [asset.sha256, asset])).values()]
  const missing = await persistently(sending, () =>
    api().listMissingFiles(
      app,
      asked.map(({ sha256, sizeBytes }) => ({ sha256, sizeBytes })),
    ),
  )
  const wanted = new Set(missing.missing.map(({ sha256 }) => sha256))
  const left = asked.filter(({ sha256 }) => wanted.has(sha256))
  await sendAll(left, totalOf(asked) - totalOf(left), sending)
  return sendList(assets, launch, sending)
}

async function sendAll(left: readonly Asset[], hereBytes: number, sending: Sending): Promise<void> {
  let sentBytes = hereBytes
  sending.onProgress(sentBytes)
  for (const batch of inBatches(left.filter(({ sizeBytes }) => sizeBytes <= BATCHED_BYTES))) {
    await persistently(sending, async () => {
      const form = new FormData()
      for (const { sha256, file } of batch) form.append(sha256, file, sha256)
      await sending.api().uploadFiles(sending.app, form)
    })
    sending.onProgress((sentBytes += totalOf(batch)))
  }
  for (const { file, sha256, sizeBytes } of left.filter((asset) => asset.sizeBytes > BATCHED_BYTES)) {
    const before = sentBytes
    const onProgress = (bytes: number) => sending.onProgress(before + bytes)
    await sendResumable(file, { sha256, sizeBytes, kind: 'asset' }, { ...sending, onProgress })
    sentBytes += sizeBytes
  }
}

async function sendList(
  assets: readonly Asset[],
  launch: string | undefined,
  sending: Sending,
): Promise<Extract<NewReleaseContent, { kind: 'files' }>> {
  const listed = assets.map(({ path, sha256, sizeBytes }) => ({ path, sha256, sizeBytes }))
  const list = new Blob([writeFilesManifest({ ...(launch !== undefined && { launch }), files: listed })])
  const [sha256 = ''] = await digestFiles([{ path: 'files.json', file: new File([list], 'files.json') }], {
    onProgress: () => undefined,
    signal: sending.signal,
  })
  const told = { sha256, sizeBytes: list.size }
  await sendResumable(list, { ...told, kind: 'files' }, { ...sending, onProgress: () => undefined })
  return { kind: 'files', ...told }
}

function inBatches(files: readonly Asset[]): Asset[][] {
  const batches: Asset[][] = []
  let last: Asset[] = []
  let bytes = 0
  for (const file of files) {
    if (last.length === MAX_BATCH_FILES || bytes + file.sizeBytes > MAX_BATCH_BYTES) {
      batches.push(last)
      last = []
      bytes = 0
    }
    last.push(file)
    bytes += file.sizeBytes
  }
  return last.length > 0 ? [...batches, last] : batches
}

function totalOf(files: readonly Asset[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
