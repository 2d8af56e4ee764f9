import type { PartPort } from '../ground/ports.ts'

export class PowerCutError extends Error {
  override name = 'PowerCutError'
}

/** What is on the disk: what was synced survives a power cut for sure, the rest in part. */
interface Disk {
  note: string | undefined
  part: { bytes: Uint8Array; durableLength: number } | undefined
  ready: { name: string; bytes: Uint8Array } | undefined
}

export interface MemoryPart extends PartPort {
  changes(): number
  /** The power goes during this change from now on (1 is the next one); what comes after it fails as well. */
  cutAt(change: number): void
  hasStopped(): boolean
  /** What another process finds: all of it, or of what was not synced the length without the bytes. */
  restart(survival: 'best' | 'worst' | 'zeros'): MemoryPart
  /** What may be handed over, and would be found by anybody. */
  revealed(): { name: string; bytes: Uint8Array } | undefined
  bytes(): Uint8Array | undefined
}

export function createMemoryPart(
  disk: Disk = { note: undefined, part: undefined, ready: undefined },
  options: { fullAt?: number } = {},
): MemoryPart {
  let changes = 0
  let stopAt = Infinity
  let isDead = false

  function change(run: () => void, torn: () => void = () => {}): void {
    if (isDead) throw new PowerCutError('the power is off')
    changes += 1
    if (changes >= stopAt) {
      torn()
      isDead = true
      throw new PowerCutError(`the power went at change ${changes}`)
    }
    run()
  }

  function put(offset: number, bytes: Uint8Array): void {
    const before = disk.part?.bytes ?? new Uint8Array()
    const joined = new Uint8Array(offset + bytes.length)
    joined.set(before.subarray(0, offset))
    joined.set(bytes, offset)
    disk.part = { bytes: joined, durableLength: Math.min(offset, disk.part?.durableLength ?? 0) }
  }

  function alive(): void {
    if (isDead) throw new PowerCutError('the power is off')
  }

  return {
    async readNote() {
      alive()
      return disk.note
    },
    async writeNote(text) {
      change(() => {
        disk.note = text
      })
    },
    async sizeBytes() {
      alive()
      return disk.part?.bytes.length
    },
    async read(offset, length) {
      alive()
      return (disk.part?.bytes ?? new Uint8Array()).slice(offset, offset + length)
    },
    async append(offset, bytes) {
      if (offset + bytes.length > (options.fullAt ?? Infinity)) {
        throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      }
      change(
        () => put(offset, bytes),
        () => put(offset, bytes.subarray(0, bytes.length >> 1)),
      )
    },
    async sync() {
      change(() => {
        if (disk.part) disk.part.durableLength = disk.part.bytes.length
      })
    },
    async reveal(name) {
      change(() => {
        if (!disk.part) throw new Error('there is no part')
        disk.ready = { name, bytes: disk.part.bytes }
        disk.part = undefined
      })
      return `/memory/${name}`
    },
    async conceal(name) {
      if (disk.ready?.name !== name) return
      const { bytes } = disk.ready
      change(() => {
        disk.part = { bytes, durableLength: bytes.length }
        disk.ready = undefined
      })
    },
    async discard() {
      // One after the other, as a disk does it.
      change(() => {
        disk.note = undefined
      })
      change(() => {
        disk.part = undefined
      })
      change(() => {
        disk.ready = undefined
      })
    },
    changes: () => changes,
    cutAt(change) {
      changes = 0
      stopAt = change
    },
    hasStopped: () => isDead,
    restart(survival) {
      isDead = true
      const { note, part, ready } = disk
      return createMemoryPart({ note, ready, part: part && surviving(part, survival) })
    },
    revealed: () => disk.ready,
    bytes: () => disk.part?.bytes,
  }
}

function surviving(part: NonNullable<Disk['part']>, survival: 'best' | 'worst' | 'zeros') {
  const { durableLength } = part
  const bytes = survival === 'worst' ? part.bytes.slice(0, durableLength) : part.bytes.slice()
  // The length arrived before the content.
  if (survival === 'zeros') bytes.fill(0, durableLength)
  return { bytes, durableLength: bytes.length }
}
