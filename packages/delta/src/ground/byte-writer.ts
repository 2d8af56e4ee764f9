export interface ByteWriter {
  byte(value: number): void
  /** Seven bits at a time, the lowest first. */
  number(value: number): void
  bytes(bytes: Uint8Array): void
  all(): Uint8Array
}

export function createByteWriter(): ByteWriter {
  let held = new Uint8Array(1024)
  let length = 0

  function makeRoom(bytes: number): void {
    if (length + bytes <= held.length) return
    const grown = new Uint8Array(Math.max(2 * held.length, length + bytes))
    grown.set(held)
    held = grown
  }

  function byte(value: number): void {
    makeRoom(1)
    held[length] = value
    length += 1
  }

  function number(value: number): void {
    let left = value
    for (; left >= 128; left = Math.floor(left / 128)) byte((left % 128) + 128)
    byte(left)
  }

  function bytes(added: Uint8Array): void {
    makeRoom(added.length)
    held.set(added, length)
    length += added.length
  }

  return { byte, number, bytes, all: () => held.slice(0, length) }
}
