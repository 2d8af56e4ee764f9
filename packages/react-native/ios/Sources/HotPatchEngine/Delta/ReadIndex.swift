/// A file of the target, and what comes to be it.
public struct PatchedFile {
  public enum Origin {
    /// The same bytes, at the same path.
    case kept(TreeFile)
    /// The same bytes, at another one.
    case moved(TreeFile)
    case patched(TreeFile, steps: Int)
    case new
  }

  public let path: String
  public let sha256: String
  public let sizeBytes: Int
  public let from: Origin

  init(_ file: TreeFile, path: String? = nil, from: Origin) {
    self.path = path ?? file.path
    sha256 = file.sha256
    sizeBytes = file.sizeBytes
    self.from = from
  }

  /// It is in a frame.
  var isMade: Bool {
    switch from {
    case .new, .patched: return true
    case .kept, .moved: return false
    }
  }

  var steps: Int {
    if case .patched(_, let steps) = from { return steps }
    return 0
  }

  var asTreeFile: TreeFile { TreeFile(path: path, sha256: sha256, sizeBytes: sizeBytes) }
}

struct Frame {
  let packedBytes: Int
  let stepBytes: Int
  let addedBytes: Int
  let insertedBytes: Int
  /// How many of the files that are new or patched, in their order.
  let fileCount: Int
}

struct TreeIndex {
  let frames: [Frame]
  let files: [PatchedFile]
}

/// `base` in the order of paths.
func readIndex(_ bytes: [UInt8], base: [TreeFile], _ limits: TreeLimits) throws -> TreeIndex {
  let reader = ByteReader(bytes[...], "the index")
  let frames = try (0..<readCount(reader, "frames")).map { _ in try readFrame(reader) }
  let files = try readFiles(reader, base)
  try reader.end()
  let index = TreeIndex(frames: frames, files: files)
  try expectTree(files, limits)
  try expectFrames(index, limits)
  return index
}

private func readCount(_ reader: ByteReader, _ what: String) throws -> Int {
  let count = try reader.number()
  if count > TreeFormat.maxFiles { throw damaged("Expected up to \(TreeFormat.maxFiles) \(what), found \(count).") }
  return count
}

private func readFrame(_ reader: ByteReader) throws -> Frame {
  Frame(
    packedBytes: try reader.number(), stepBytes: try reader.number(), addedBytes: try reader.number(),
    insertedBytes: try reader.number(), fileCount: try reader.number())
}

/// One entry can stand for all files of the base: they are counted before there are as many as all entries together say.
private func readFiles(_ reader: ByteReader, _ base: [TreeFile]) throws -> [PatchedFile] {
  var files: [PatchedFile] = []
  for _ in 0..<(try readCount(reader, "entries")) {
    let read = try readEntry(reader, base)
    let count = files.count + read.count
    if count > TreeFormat.maxFiles { throw damaged("Expected up to \(TreeFormat.maxFiles) files, found \(count).") }
    files += read
  }
  return files
}

private func readEntry(_ reader: ByteReader, _ base: [TreeFile]) throws -> [PatchedFile] {
  let kind = try reader.byte()
  switch kind {
  case 0:
    let (from, count) = (try reader.number(), try reader.number())
    if count == 0 || from + count > base.count {
      throw damaged("Expected some of \(base.count) files of the base, found \(count) from \(from) on.")
    }
    return base[from..<from + count].map { PatchedFile($0, from: .kept($0)) }
  case 1:
    let file = try readBase(reader, base)
    return [PatchedFile(file, path: try readPath(reader), from: .moved(file))]
  case 2:
    return [PatchedFile(try readFile(reader), from: .new)]
  case 3:
    let file = try readFile(reader)
    return [PatchedFile(file, from: .patched(try readBase(reader, base), steps: try reader.number()))]
  default:
    throw damaged("Expected an entry of a kind from 0 to 3, found \(kind).")
  }
}

private func readBase(_ reader: ByteReader, _ base: [TreeFile]) throws -> TreeFile {
  let number = try reader.number()
  guard number < base.count else {
    throw damaged("Expected one of \(base.count) files of the base, found number \(number).")
  }
  return base[number]
}

private func readFile(_ reader: ByteReader) throws -> TreeFile {
  let (path, sizeBytes) = (try readPath(reader), try reader.number())
  return TreeFile(path: path, sha256: hexFromBytes(Array(try reader.take(TreeFormat.digestBytes))), sizeBytes: sizeBytes)
}

private func readPath(_ reader: ByteReader) throws -> String {
  let length = try reader.number()
  if length > maxFilePathBytes {
    throw damaged("Expected a path of up to \(maxFilePathBytes) bytes, found \(length).")
  }
  guard let path = textFromUtf8(try reader.take(length)) else {
    throw damaged("Expected a path in UTF-8, found other bytes.")
  }
  return path
}
