import { openAsBlob } from 'node:fs'
import { MAX_BATCH_BYTES, MAX_BATCH_FILES, type App } from '@hotpatch/api'
import type { ContentUpload } from '../content/content-kind.ts'
import { CommandError } from '../errors/errors.ts'
import { createProgress } from '../output/progress.ts'
import { formatBytes, formatCount } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { persistently } from './retry.ts'
import { sendResumable } from './send-resumable.ts'

/** How many requests are on their way at once. */
const LANES = 4
/** What is larger goes by itself, and goes on where it broke off. */
const BATCHED_BYTES = 8 * 1024 * 1024
/** So many rounds: a file may be taken away by a sweep while others are sent. */
const MAX_ROUNDS = 3

/**
 * Brings the files that the app does not have yet: asks first, sends in parallel, and asks again until none is missing.
 * What has arrived stays for a day, so a publish that is broken off goes on with what is left.
 */
export async function sendFiles(session: Session, app: App, files: readonly ContentUpload[]): Promise<void> {
  const byDigest = new Map(files.map((file) => [file.sha256, file]))
  const asked = [...byDigest.values()].map(({ sha256, sizeBytes }) => ({ sha256, sizeBytes }))
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { missing } = await persistently(session, () => session.api.listMissingFiles(app.id, asked))
    const left = missing.flatMap(({ sha256 }) => byDigest.get(sha256) ?? [])
    if (round === 0) tell(session, byDigest.size, left)
    if (left.length === 0) return
    await sendAll(session, app, left)
  }
  throw new CommandError('files-missing', 'The server does not keep what it is sent: files are still missing.')
}

function tell({ output }: Session, all: number, left: readonly ContentUpload[]) {
  const has = all - left.length
  if (has === 0) return
  const rest = left.length === 0 ? 'nothing is sent' : `${formatBytes(totalOf(left))} are sent`
  output.notice(`The server has ${has} of ${formatCount(all, 'file')}: ${rest}.`)
}

async function sendAll(session: Session, app: App, files: readonly ContentUpload[]): Promise<void> {
  const small = files.filter(({ sizeBytes }) => sizeBytes <= BATCHED_BYTES)
  const progress = createProgress(session.context, 'Uploading', totalOf(small))
  let sentBytes = 0
  const waiting = inBatches(small)
  async function lane(): Promise<void> {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      session.context.signal.throwIfAborted()
      await sendBatch(session, app, batch)
      progress.advanceTo((sentBytes += totalOf(batch)))
    }
  }
  try {
    await allOrFirstError(Array.from({ length: LANES }, lane))
  } finally {
    progress.stop()
  }
  for (const file of files) if (file.sizeBytes > BATCHED_BYTES) await sendResumable(session, app, file)
}

async function sendBatch(session: Session, app: App, batch: readonly ContentUpload[]): Promise<void> {
  await persistently(session, async () => {
    const form = new FormData()
    for (const { sha256, path } of batch) form.append(sha256, await openAsBlob(path), sha256)
    await session.api.uploadFiles(app.id, form)
  })
}

/** Nobody goes on in the background after one has failed. */
async function allOrFirstError(lanes: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(lanes)
  const failed = settled.find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

/** In as many as there are lanes at least, where there are so many files, and none too large for a request. */
function inBatches(files: readonly ContentUpload[]): ContentUpload[][] {
  const most = Math.min(MAX_BATCH_FILES, Math.max(1, Math.ceil(files.length / LANES)))
  const batches: ContentUpload[][] = []
  let last: ContentUpload[] = []
  let bytes = 0
  for (const file of files) {
    if (last.length === most || bytes + file.sizeBytes > MAX_BATCH_BYTES) {
      batches.push(last)
      last = []
      bytes = 0
    }
    last.push(file)
    bytes += file.sizeBytes
  }
  if (last.length > 0) batches.push(last)
  return batches
}

const totalOf = (files: readonly ContentUpload[]) => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
