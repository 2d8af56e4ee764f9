/** As much of a Windows program as it takes to be one by its looks. */
export function windowsProgram(content: Uint8Array): Buffer {
  const head = Buffer.alloc(0x80)
  head.write('MZ', 0, 'latin1')
  head.writeUInt32LE(0x40, 0x3c)
  head.write('PE\0\0', 0x40, 'latin1')
  return Buffer.concat([head, content])
}

/** As much of an AppImage: an ELF program with its mark. */
export function appImage(content: Uint8Array): Buffer {
  const head = Buffer.alloc(0x40)
  head.write('\x7fELF\x02\x01\x01\x00AI\x02', 0, 'latin1')
  return Buffer.concat([head, content])
}

/** As electron-builder puts a block map at the end of an AppImage. */
export function withEmbeddedMap(file: Uint8Array, packedMap: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(packedMap.length)
  return Buffer.concat([file, packedMap, length])
}
