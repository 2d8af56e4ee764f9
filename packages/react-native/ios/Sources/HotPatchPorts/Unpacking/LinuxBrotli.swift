#if !canImport(Compression)
  import CBrotli

  /// Nil when it is no brotli, when it is not at its end with its last byte, or when more than `sizeBytes` come of it.
  func brotliUnpacked(_ packed: [UInt8], sizeBytes: Int) -> [UInt8]? {
    guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else { return nil }
    defer { BrotliDecoderDestroyInstance(state) }
    var isWhole = false
    let unpacked = [UInt8](unsafeUninitializedCapacity: sizeBytes + 1) { target, count in
      packed.withUnsafeBufferPointer { source in
        var (next, left) = (source.baseAddress, source.count)
        var (into, room): (UnsafeMutablePointer<UInt8>?, Int) = (target.baseAddress, sizeBytes + 1)
        let result = BrotliDecoderDecompressStream(state, &left, &next, &room, &into, nil)
        isWhole = result == BROTLI_DECODER_RESULT_SUCCESS && left == 0
        count = sizeBytes + 1 - room
      }
    }
    return isWhole && unpacked.count <= sizeBytes ? unpacked : nil
  }
#endif
