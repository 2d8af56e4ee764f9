import type { PackAnswer, PackFile, PackQuestion } from './packing-messages.ts'

export interface Packing {
  /** Of the bytes that are read. */
  onProgress: (doneBytes: number) => void
  signal: AbortSignal
}

/** A file that cannot be read any more, as it was changed or taken away since it was dropped. */
export class PackingFailed extends Error {
  override name = 'PackingFailed'
}

export async function zipFiles(files: readonly PackFile[], packing: Packing): Promise<{ blob: Blob; sha256: string }> {
  const answer = await ask({ kind: 'zip', files }, packing)
  if (answer.kind !== 'zipped') throw new PackingFailed(answer.kind)
  return answer
}

/** SHA-256 of each, in their order. */
export async function digestFiles(files: readonly PackFile[], packing: Packing): Promise<readonly string[]> {
  const answer = await ask({ kind: 'digest', files }, packing)
  if (answer.kind !== 'digested') throw new PackingFailed(answer.kind)
  return answer.sha256s
}

/** In a thread of its own, which ends with the answer. */
function ask(question: PackQuestion, { onProgress, signal }: Packing): Promise<PackAnswer> {
  const worker = new Worker(new URL('packing-worker.ts', import.meta.url), { type: 'module' })
  const answered = new Promise<PackAnswer>((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    worker.addEventListener('error', (event) => reject(new PackingFailed(event.message)))
    worker.addEventListener('message', ({ data }: MessageEvent<PackAnswer>) => {
      if (data.kind === 'progress') onProgress(data.doneBytes)
      else if (data.kind === 'failed') reject(new PackingFailed(`${data.path}: ${data.message}`))
      else resolve(data)
    })
  })
  signal.throwIfAborted()
  worker.postMessage(question)
  return answered.finally(() => worker.terminate())
}
