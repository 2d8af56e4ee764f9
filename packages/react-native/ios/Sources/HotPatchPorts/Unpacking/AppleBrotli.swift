#if canImport(Compression)
  import Compression

  /// Nil when it is no brotli, when it is not at its end with its last byte, or when more than `sizeBytes` come of it.
  func brotliUnpacked(_ packed: [UInt8], sizeBytes: Int) -> [UInt8]? {
    let stream = UnsafeMutablePointer<compression_stream>.allocate(capacity: 1)
    defer { stream.deallocate() }
    guard compression_stream_init(stream, COMPRESSION_STREAM_DECODE, COMPRESSION_BROTLI) == COMPRESSION_STATUS_OK else {
      return nil
    }
    defer { compression_stream_destroy(stream) }
    var isWhole = false
    // One byte more than there may be: a stream that fills it is too long.
    let unpacked = [UInt8](unsafeUninitializedCapacity: sizeBytes + 1) { target, count in
      packed.withUnsafeBufferPointer { source in
        guard let start = source.baseAddress, let into = target.baseAddress else { return }
        stream.pointee.src_ptr = start
        stream.pointee.src_size = source.count
        stream.pointee.dst_ptr = into
        stream.pointee.dst_size = sizeBytes + 1
        let status = compression_stream_process(stream, Int32(COMPRESSION_STREAM_FINALIZE.rawValue))
        isWhole = status == COMPRESSION_STATUS_END && stream.pointee.src_size == 0
      }
      count = sizeBytes + 1 - stream.pointee.dst_size
    }
    return isWhole && unpacked.count <= sizeBytes ? unpacked : nil
  }
#endif
