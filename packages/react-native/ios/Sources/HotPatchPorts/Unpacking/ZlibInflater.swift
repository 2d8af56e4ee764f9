#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

// Not Apple's own reader of deflate: devices have to refuse exactly what zlib refuses on the server.
#if os(Linux)
  import CZlib
#else
  import zlib
#endif

final class ZlibInflater: RawInflater {
  private var stream = z_stream()
  private var isFinished = false

  init() {
    // A negative window: nothing around the deflated bytes.
    inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  }

  deinit {
    inflateEnd(&stream)
  }

  func step(_ input: ArraySlice<UInt8>, maxOutput: Int) throws -> InflateStep {
    if isFinished { return InflateStep(consumed: 0, output: [], isFinished: true) }
    var status = Z_OK
    let output = [UInt8](unsafeUninitializedCapacity: maxOutput) { target, count in
      input.withUnsafeBufferPointer { source in
        stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.avail_in = UInt32(source.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(maxOutput)
        status = inflate(&stream, Z_NO_FLUSH)
      }
      count = maxOutput - Int(stream.avail_out)
    }
    let consumed = input.count - Int(stream.avail_in)
    (stream.next_in, stream.avail_in, stream.next_out, stream.avail_out) = (nil, 0, nil, 0)
    // Z_BUF_ERROR only asks for more input.
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw DamagedError() }
    isFinished = status == Z_STREAM_END
    return InflateStep(consumed: consumed, output: output, isFinished: isFinished)
  }
}
