/// Patches §5.1, bounded by what this device has memory for: what a patch says of itself takes none before.
func createUnpacking(_ port: UnpackingPort, _ limits: Limits) -> Unpacking {
  let bounded = { (unpack: @escaping ([UInt8], Int) throws -> [UInt8]) in
    { (packed: [UInt8], sizeBytes: Int) throws -> [UInt8] in
      if sizeBytes > limits.patchPieceBytes {
        throw damaged("Expected up to \(limits.patchPieceBytes) bytes at a time, found \(sizeBytes).")
      }
      return try unpack(packed, sizeBytes)
    }
  }
  var unpacking: Unpacking = [.deflate: bounded { try inflate($0, sizeBytes: $1, port) }]
  if port.hasBrotli { unpacking[.brotli] = bounded { try port.unpackBrotli($0, sizeBytes: $1) } }
  return unpacking
}

private func inflate(_ packed: [UInt8], sizeBytes: Int, _ port: UnpackingPort) throws -> [UInt8] {
  var unpacked: [UInt8] = []
  let inflater = Inflater("a patch", port) { bytes in
    if unpacked.count + bytes.count > sizeBytes {
      throw damaged("Expected \(sizeBytes) bytes to be unpacked, found more.")
    }
    unpacked += bytes
  }
  try inflater.push(packed)
  try inflater.end()
  return unpacked
}
