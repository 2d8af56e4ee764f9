/** Where a zip is while it grows: not in this thread's memory. */
export interface Keep {
  add(chunk: Uint8Array): void
  finish(): Promise<Blob>
}

/** Only a thread beside the page has it, and TypeScript knows it only where there is no page. */
type WritableInWorker = FileSystemFileHandle & {
  createSyncAccessHandle(): Promise<{ write(bytes: Uint8Array<ArrayBuffer>): number; flush(): void; close(): void }>
}

const FOLDER = 'hotpatch-uploads'
const PIECE_BYTES = 4 * 1024 * 1024

/** A file of the browser's own, which no page of others sees; else pieces that the browser keeps as it likes. */
export async function openKeep(): Promise<Keep> {
  try {
    return await openFile()
  } catch {
    return openPieces() // a page without HTTPS has no such files
  }
}

async function openFile(): Promise<Keep> {
  const root = await navigator.storage.getDirectory()
  // Of earlier ones, which nobody reads any more.
  await root.removeEntry(FOLDER, { recursive: true }).catch(() => undefined)
  const folder = await root.getDirectoryHandle(FOLDER, { create: true })
  const handle = await folder.getFileHandle(`${crypto.randomUUID()}.zip`, { create: true })
  const access = await (handle as WritableInWorker).createSyncAccessHandle()
  return {
    add: (chunk) => void access.write(chunk as Uint8Array<ArrayBuffer>),
    async finish() {
      access.flush()
      access.close()
      return handle.getFile()
    },
  }
}

function openPieces(): Keep {
  const pieces: Blob[] = []
  let gathered: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  function put() {
    pieces.push(new Blob(gathered))
    gathered = []
    bytes = 0
  }
  return {
    add(chunk) {
      gathered.push(chunk as Uint8Array<ArrayBuffer>)
      bytes += chunk.length
      if (bytes >= PIECE_BYTES) put()
    },
    async finish() {
      put()
      return new Blob(pieces)
    },
  }
}
