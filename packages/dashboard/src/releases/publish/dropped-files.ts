/** A file that somebody gave the page, with its path in what was given. */
export interface DroppedFile {
  path: string
  file: File
}

export interface Dropped {
  /** Of the folder, where one was given. */
  folder: string | undefined
  files: readonly DroppedFile[]
}

/** More is no app's content: somebody dropped the wrong folder. */
const MAX_FILES = 65_534

export class TooManyFiles extends Error {
  override name = 'TooManyFiles'
}

/**
 * Must be called while the event is handled: what is in it is gone afterwards.
 * @throws TooManyFiles
 */
export async function readDrop(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const files: DroppedFile[] = []
  for (const entry of entries) await visit(entry, '', files)
  const [only] = entries
  return fromFolder(files, entries.length === 1 && only?.isDirectory ? only.name : undefined)
}

/** What a file input has; of a folder with the path in it. @throws TooManyFiles */
export function readInput(input: FileList): Dropped {
  if (input.length > MAX_FILES) throw new TooManyFiles()
  const files = [...input].map((file) => ({ path: file.webkitRelativePath || file.name, file }))
  const folder = files[0]?.file.webkitRelativePath.split('/')[0]
  return fromFolder(files, folder === '' ? undefined : folder)
}

/** What is in the folder is published, and not the folder itself. */
function fromFolder(files: readonly DroppedFile[], folder: string | undefined): Dropped {
  const inside = folder === undefined ? 0 : folder.length + 1
  return { folder, files: files.map(({ path, file }) => ({ path: path.slice(inside), file })) }
}

async function visit(entry: FileSystemEntry, prefix: string, files: DroppedFile[]): Promise<void> {
  const path = prefix + entry.name
  if (entry.isFile) {
    files.push({ path, file: await fileOf(entry as FileSystemFileEntry) })
    if (files.length > MAX_FILES) throw new TooManyFiles()
    return
  }
  for await (const each of childrenOf(entry as FileSystemDirectoryEntry)) await visit(each, `${path}/`, files)
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** A reader gives some at a time, until it gives none. */
async function* childrenOf(folder: FileSystemDirectoryEntry): AsyncGenerator<FileSystemEntry> {
  const reader = folder.createReader()
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return
    yield* some
  }
}
