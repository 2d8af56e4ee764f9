const END_SIGNATURE = 0x06054b50
const ZIP64_LOCATOR_SIGNATURE = 0x07064b50
const ZIP64_END_SIGNATURE = 0x06064b50
const ENTRY_SIGNATURE = 0x02014b50
const END_BYTES = 22
const ZIP64_LOCATOR_BYTES = 20
const ZIP64_END_BYTES = 56
const ENTRY_BYTES = 46
const MAX_COMMENT_BYTES = 0xffff
/** Of the names of as many files as a server takes; the directory of a larger zip is not read. */
const MAX_DIRECTORY_BYTES = 32 * 1024 * 1024

interface Directory {
  offset: number
  sizeBytes: number
}

/**
 * The paths in a zip, of its directory alone: what is in the files is not read.
 * @returns undefined of what is no zip, or has a directory that cannot be read
 */
export async function readZipNames(zip: Blob): Promise<readonly string[] | undefined> {
  const directory = await findDirectory(zip)
  if (!directory || directory.sizeBytes > MAX_DIRECTORY_BYTES) return undefined
  const { offset, sizeBytes } = directory
  if (offset + sizeBytes > zip.size) return undefined
  return namesIn(await bytesOf(zip, offset, sizeBytes))
}

async function findDirectory(zip: Blob): Promise<Directory | undefined> {
  const start = Math.max(0, zip.size - END_BYTES - MAX_COMMENT_BYTES)
  const tail = await bytesOf(zip, start, zip.size - start)
  for (let at = tail.byteLength - END_BYTES; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== END_SIGNATURE) continue
    if (at + END_BYTES + tail.getUint16(at + 20, true) !== tail.byteLength) continue
    const sizeBytes = tail.getUint32(at + 12, true)
    const offset = tail.getUint32(at + 16, true)
    const isElsewhere = sizeBytes === 0xffff_ffff || offset === 0xffff_ffff
    return isElsewhere ? findLargeDirectory(zip, start + at) : { offset, sizeBytes }
  }
  return undefined
}

/** Of a zip with more than four gigabytes, or of a tool that writes all as such. */
async function findLargeDirectory(zip: Blob, end: number): Promise<Directory | undefined> {
  if (end < ZIP64_LOCATOR_BYTES) return undefined
  const locator = await bytesOf(zip, end - ZIP64_LOCATOR_BYTES, ZIP64_LOCATOR_BYTES)
  if (locator.getUint32(0, true) !== ZIP64_LOCATOR_SIGNATURE) return undefined
  const at = Number(locator.getBigUint64(8, true))
  if (at + ZIP64_END_BYTES > zip.size) return undefined
  const record = await bytesOf(zip, at, ZIP64_END_BYTES)
  if (record.getUint32(0, true) !== ZIP64_END_SIGNATURE) return undefined
  return { sizeBytes: Number(record.getBigUint64(40, true)), offset: Number(record.getBigUint64(48, true)) }
}

function namesIn(directory: DataView): readonly string[] | undefined {
  const decoder = new TextDecoder()
  const names: string[] = []
  let at = 0
  while (at + ENTRY_BYTES <= directory.byteLength && directory.getUint32(at, true) === ENTRY_SIGNATURE) {
    const nameBytes = directory.getUint16(at + 28, true)
    const more = directory.getUint16(at + 30, true) + directory.getUint16(at + 32, true)
    const name = at + ENTRY_BYTES
    if (name + nameBytes > directory.byteLength) return undefined
    names.push(decoder.decode(new Uint8Array(directory.buffer, directory.byteOffset + name, nameBytes)))
    at = name + nameBytes + more
  }
  return at === directory.byteLength ? names : undefined
}

async function bytesOf(blob: Blob, from: number, length: number): Promise<DataView> {
  return new DataView(await blob.slice(from, from + length).arrayBuffer())
}
