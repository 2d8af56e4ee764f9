#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Is closed when nobody has it any more.
final class OpenFile {
  private let descriptor: Int32
  private let path: String

  private init(_ descriptor: Int32, _ path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  static func at(_ path: String, _ flags: Int32) throws -> OpenFile {
    guard let file = try ifThere(path, flags) else { throw failure("open", path, ENOENT) }
    return file
  }

  /// Nil when there is no such file.
  static func ifThere(_ path: String, _ flags: Int32) throws -> OpenFile? {
    let descriptor = open(path, flags | O_CLOEXEC, 0o600)
    if descriptor >= 0 { return OpenFile(descriptor, path) }
    let code = errno
    if code == ENOENT || code == ENOTDIR { return nil }
    throw failure("open", path, code)
  }

  deinit {
    close(descriptor)
  }

  func sizeBytes() throws -> Int {
    let end = lseek(descriptor, 0, SEEK_END)
    if end < 0 { throw failure("read", path) }
    return Int(end)
  }

  /// Fewer bytes than asked for only at the end of the file.
  func read(offset: Int, length: Int) throws -> [UInt8] {
    var isFailed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      while count < length {
        let read = pread(descriptor, buffer.baseAddress! + count, length - count, off_t(offset + count))
        if read < 0, errno == EINTR { continue }
        isFailed = read < 0
        if read <= 0 { break }
        count += read
      }
    }
    if isFailed { throw failure("read", path) }
    return bytes
  }

  func write(offset: Int, _ bytes: [UInt8]) throws {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress! + written, bytes.count - written, off_t(offset + written))
      }
      if count < 0, errno == EINTR { continue }
      if count <= 0 { throw failure("write", path) }
      written += count
    }
  }

  func cut(to length: Int) throws {
    if ftruncate(descriptor, off_t(length)) != 0 { throw failure("cut", path) }
  }

  /// On Apple's systems fsync leaves bytes in the memory of the disk, which the power can take.
  func sync() throws {
    #if canImport(Darwin)
      // Not every file system knows it.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    #endif
    if fsync(descriptor) != 0 { throw failure("sync", path) }
  }
}
