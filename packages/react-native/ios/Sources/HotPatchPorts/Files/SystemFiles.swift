import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// More than anything that is read whole. A damaged disk may tell any size, and a process that has no memory for it ends: at
/// every start.
private let maxReadBytes = 256 * 1024 * 1024

/// The files port in a real folder, which is created when the first thing is written.
public final class SystemFiles: FilesPort {
  private let root: String

  public init(_ root: String) {
    self.root = root
  }

  public func locate(_ path: String) -> String {
    path.isEmpty ? root : "\(root)/\(path)"
  }

  public func read(_ path: String) throws -> [UInt8]? {
    guard let file = try OpenFile.ifThere(locate(path), O_RDONLY) else { return nil }
    let sizeBytes = try file.sizeBytes()
    if sizeBytes > maxReadBytes { throw FilesError("\(path) has \(sizeBytes) bytes: at most \(maxReadBytes) are read") }
    return try file.read(offset: 0, length: sizeBytes)
  }

  public func readRange(_ path: String, offset: Int, length: Int) throws -> [UInt8] {
    try OpenFile.at(locate(path), O_RDONLY).read(offset: offset, length: length)
  }

  public func write(_ path: String, _ bytes: [UInt8]) throws {
    let file = try OpenFile.at(locate(path), O_WRONLY | O_CREAT | O_TRUNC)
    try file.write(offset: 0, bytes)
    try file.sync()
  }

  public func append(_ path: String, offset: Int, _ bytes: [UInt8]) throws {
    let file = try OpenFile.at(locate(path), O_WRONLY | O_CREAT)
    try file.cut(to: offset)
    try file.write(offset: offset, bytes)
  }

  public func sync(_ path: String) throws {
    try OpenFile.at(locate(path), O_RDWR).sync()
  }

  public func syncDirectory(_ path: String) throws {
    try OpenFile.at(locate(path), O_RDONLY).sync()
  }

  public func rename(_ from: String, to: String) throws {
    #if canImport(Darwin)
      let status = Darwin.rename(locate(from), locate(to))
    #else
      let status = Glibc.rename(locate(from), locate(to))
    #endif
    if status != 0 { throw failure("rename", from) }
  }

  public func remove(_ path: String) throws {
    guard let found = try stat(path) else { return }
    if found.kind != .directory {
      if unlink(locate(path)) != 0, errno != ENOENT { throw failure("remove", path) }
      return
    }
    for name in try namesIn(path) { try remove("\(path)/\(name)") }
    if rmdir(locate(path)) != 0, errno != ENOENT { throw failure("remove", path) }
  }

  public func makeDirectory(_ path: String) throws {
    if mkdir(locate(path), 0o700) == 0 || errno == EEXIST { return }
    guard errno == ENOENT else { throw failure("create", path) }
    let parent = (locate(path) as NSString).deletingLastPathComponent
    // Above the folder itself as well, which a new app may not have.
    try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    if mkdir(locate(path), 0o700) != 0, errno != EEXIST { throw failure("create", path) }
  }

  public func stat(_ path: String) throws -> FileStat? {
    guard let found = linkStatus(locate(path)) else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure("look at", path)
    }
    let kind = found.st_mode & S_IFMT
    return FileStat(
      kind: kind == S_IFREG ? .file : kind == S_IFDIR ? .directory : .other, sizeBytes: Int(found.st_size))
  }

  public func freeBytes() throws -> Int? {
    var found = statvfs()
    let parent = (root as NSString).deletingLastPathComponent
    guard statvfs(root, &found) == 0 || statvfs(parent, &found) == 0 else { return nil }
    return Int(clamping: UInt64(found.f_bavail).multipliedReportingOverflow(by: UInt64(found.f_frsize)).partialValue)
  }

  func namesIn(_ path: String) throws -> [String] {
    guard let directory = opendir(locate(path)) else { throw failure("list", path) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}

/// What the system says; no more of a path than the engine named.
func failure(_ what: String, _ path: String, _ code: Int32 = errno) -> FilesError {
  let why = String(cString: strerror(code))
  return FilesError(isFull: code == ENOSPC || code == EDQUOT, "cannot \(what) \(path): \(why)")
}

/// Nil when it fails: `errno` says why.
private func linkStatus(_ path: String) -> stat? {
  var found = stat()
  return lstat(path, &found) == 0 ? found : nil
}
