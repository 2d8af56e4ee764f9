import type { FileHandle } from 'node:fs/promises'

/** As much of a file as readers of archives ask for, without a disk. */
export function fileOf(bytes: Uint8Array): FileHandle {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  function read(
    target: Buffer | { buffer: Buffer; offset?: number; length?: number; position?: number },
    ...given: (number | undefined)[]
  ) {
    const {
      buffer,
      offset = 0,
      length,
      position = 0,
    } = Buffer.isBuffer(target) ? { buffer: target, offset: given[0], length: given[1], position: given[2] } : target
    const wanted = content.subarray(position, position + (length ?? buffer.length - offset))
    wanted.copy(buffer, offset)
    return Promise.resolve({ bytesRead: wanted.length, buffer })
  }
  return {
    read: (buffer: Buffer, offset: number | { position?: number }, length?: number, position?: number) =>
      typeof offset === 'object' ? read({ buffer, ...offset }) : read(buffer, offset, length, position),
    stat: () => Promise.resolve({ size: content.length }),
    close: () => Promise.resolve(),
  } as unknown as FileHandle
}
