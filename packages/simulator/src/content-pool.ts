export type ContentPool = ReturnType<typeof createContentPool>

/**
 * The bytes that many devices have alike, kept once. Whoever gets bytes from here must not write into them.
 * What was once shared stays: a fleet sees a handful of releases.
 */
export function createContentPool() {
  const contents = new Map<string, Uint8Array[]>()
  const archives: Uint8Array[] = []

  /** The one copy of these bytes. */
  function share(bytes: Uint8Array): Uint8Array {
    const key = fingerprint(bytes)
    const candidates = contents.get(key)
    const known = candidates?.find((candidate) => isEqual(candidate, bytes, 0))
    if (known) return known
    // What was read out of something larger must not keep it in memory.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
    if (candidates) candidates.push(own)
    else contents.set(key, [own])
    return own
  }

  /** The beginning of an archive that grows while it is downloaded: a view, if it is one that all devices get. */
  function extend(existing: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
    const end = offset + bytes.length
    for (const archive of archives) {
      const isPart = offset === 0 || existing.buffer === archive.buffer
      if (isPart && end <= archive.length && isEqual(archive, bytes, offset)) return archive.subarray(0, end)
    }
    const joined = new Uint8Array(end)
    joined.set(existing.subarray(0, offset))
    joined.set(bytes, offset)
    return joined
  }

  return { share, extend, addArchive: (bytes: Uint8Array) => void archives.push(bytes) }
}

const SAMPLES = 64

function fingerprint(bytes: Uint8Array): string {
  const step = Math.max(1, Math.floor(bytes.length / SAMPLES))
  let hash = 0x811c9dc5
  for (let at = 0; at < bytes.length; at += step) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193)
  return `${bytes.length}:${hash >>> 0}`
}

/** Whether `part` lies in `whole` at `offset`. */
function isEqual(whole: Uint8Array, part: Uint8Array, offset: number): boolean {
  if (offset + part.length > whole.length) return false
  for (let at = 0; at < part.length; at += 1) if (whole[offset + at] !== part[at]) return false
  return true
}
