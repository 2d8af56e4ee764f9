private let table: [UInt32] = (0..<256).map { index in
  (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : 0xedb8_8320 ^ value >> 1 }
}

/// Goes on from the CRC of what came before.
func crc32(_ bytes: [UInt8], _ before: UInt32 = 0) -> UInt32 {
  table.withUnsafeBufferPointer { table in
    ~bytes.reduce(~before) { crc, byte in crc >> 8 ^ table[Int((crc ^ UInt32(byte)) & 0xff)] }
  }
}
