import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { Zip, ZipDeflate } from 'fflate'
import type { PackAnswer, PackFile, PackQuestion } from './packing-messages.ts'
import { openKeep, type Keep } from './keep-bytes.ts'

/** Told no more often. */
const TELL_BYTES = 1024 * 1024

let doneBytes = 0
let toldBytes = 0
let current = ''

function tell(answer: PackAnswer): void {
  postMessage(answer)
}

function advance(bytes: number): void {
  doneBytes += bytes
  if (doneBytes - toldBytes < TELL_BYTES) return
  toldBytes = doneBytes
  tell({ kind: 'progress', doneBytes })
}

self.addEventListener('message', (event: MessageEvent<PackQuestion>) => {
  void answer(event.data).catch((error: unknown) =>
    tell({ kind: 'failed', path: current, message: error instanceof Error ? error.message : String(error) }),
  )
})

async function answer({ kind, files }: PackQuestion): Promise<void> {
  if (kind === 'zip') {
    const keep = await openKeep()
    const digest = await zip(files, keep)
    tell({ kind: 'zipped', blob: await keep.finish(), sha256: digest })
  } else {
    const sha256s: string[] = []
    for (const file of files) sha256s.push(await digestOf(file))
    tell({ kind: 'digested', sha256s })
  }
}

/** The same files give the same bytes: neither times nor permissions nor the order of a file system gets in. */
async function zip(files: readonly PackFile[], keep: Keep): Promise<string> {
  const hash = sha256.create()
  let failure: Error | undefined
  const archive = new Zip((error, chunk) => {
    if (error) {
      failure = error
      return
    }
    hash.update(chunk)
    keep.add(chunk)
  })
  for (const { path, file } of files) {
    current = path
    const entry = new ZipDeflate(path, { level: 9 })
    entry.mtime = new Date(1980, 0, 1)
    archive.add(entry)
    for await (const chunk of piecesOf(file)) {
      entry.push(chunk)
      advance(chunk.length)
      if (failure) throw failure
    }
    entry.push(new Uint8Array(0), true)
  }
  archive.end()
  if (failure) throw failure
  return bytesToHex(hash.digest())
}

async function digestOf({ path, file }: PackFile): Promise<string> {
  current = path
  const hash = sha256.create()
  for await (const chunk of piecesOf(file)) {
    hash.update(chunk)
    advance(chunk.length)
  }
  return bytesToHex(hash.digest())
}

async function* piecesOf(file: File): AsyncGenerator<Uint8Array> {
  const reader = file.stream().getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}
