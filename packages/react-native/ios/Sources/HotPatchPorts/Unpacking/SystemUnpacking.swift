#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

public final class SystemUnpacking: UnpackingPort {
  public let hasBrotli = true

  public init() {}

  public func rawInflater() -> RawInflater {
    ZlibInflater()
  }

  public func unpackBrotli(_ packed: [UInt8], sizeBytes: Int) throws -> [UInt8] {
    guard let unpacked = brotliUnpacked(packed, sizeBytes: sizeBytes) else { throw DamagedError() }
    return unpacked
  }
}

/// What is packed is not what it must be.
public struct DamagedError: Error {}
