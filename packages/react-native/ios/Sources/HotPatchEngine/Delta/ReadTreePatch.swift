/// A patch, in memory or in a file: it is read piece by piece.
public struct PatchSource {
  public var sizeBytes: Int
  public var read: (_ offset: Int, _ length: Int) throws -> [UInt8]

  public init(sizeBytes: Int, read: @escaping (_ offset: Int, _ length: Int) throws -> [UInt8]) {
    self.sizeBytes = sizeBytes
    self.read = read
  }

  func piece(_ offset: Int, _ length: Int) throws -> [UInt8] {
    if offset + length > sizeBytes {
      throw damaged("Expected \(length) bytes at \(offset) of a patch, found its end at \(sizeBytes).")
    }
    let bytes = try read(offset, length)
    if bytes.count != length { throw damaged("Expected \(length) bytes of a patch, read \(bytes.count).") }
    return bytes
  }
}

public struct TreePatchInput {
  public var patch: PatchSource
  /// All files of the release that the device has.
  public var base: [TreeFile]
  /// Of the release that is announced.
  public var targetSha256: String
  public var sha256: Sha256
  public var unpacking: Unpacking
  public var limits: TreeLimits
}

public struct TreePatch {
  public let packing: Packing
  /// The whole target, in the order of paths. What is kept or moved is the caller's to take from the base.
  public let files: [PatchedFile]
  fileprivate let frames: [Frame]
  fileprivate let framesAt: Int
  fileprivate let input: TreePatchInput

  /// All files that are new or patched, in order, each held against its digest before it is handed out. Has one frame in
  /// memory at a time, one file of the base, and the file.
  public func make(
    readBase: (TreeFile) throws -> [UInt8], take: (_ file: PatchedFile, _ bytes: [UInt8]) throws -> Void
  ) throws {
    var left = files.filter(\.isMade)[...]
    var at = framesAt
    for frame in frames {
      let content = try readFrame(frame, at)
      at += frame.packedBytes
      for file in left.prefix(frame.fileCount) { try take(file, try makeFile(content, file, readBase)) }
      left = left.dropFirst(frame.fileCount)
      for stream in [content.steps, content.added, content.inserted] { try stream.end() }
    }
  }

  private func readFrame(_ frame: Frame, _ at: Int) throws -> FrameContent {
    let sizeBytes = frame.stepBytes + frame.addedBytes + frame.insertedBytes
    let packed = try input.patch.piece(at, frame.packedBytes)
    let bytes = try unpack(input.unpacking, packing, packed, sizeBytes: sizeBytes)
    let addedAt = frame.stepBytes
    let insertedAt = addedAt + frame.addedBytes
    return FrameContent(
      steps: ByteReader(bytes[..<addedAt], "the steps"),
      added: ByteReader(bytes[addedAt..<insertedAt], "what is added"),
      inserted: ByteReader(bytes[insertedAt...], "what is inserted"))
  }

  private func makeFile(
    _ content: FrameContent, _ file: PatchedFile, _ readBase: (TreeFile) throws -> [UInt8]
  ) throws -> [UInt8] {
    let bytes: [UInt8]
    if case .patched(let from, let steps) = file.from {
      let base = try readBase(from)
      // The usual reason, and another one than a patch that does not fit.
      try expectDigest(input.sha256, base, from.sha256, .baseDiffers)
      bytes = try makePatchedFile(content, base: base, sizeBytes: file.sizeBytes, stepCount: steps)
    } else {
      bytes = try makeNewFile(content, sizeBytes: file.sizeBytes)
    }
    try expectDigest(input.sha256, bytes, file.sha256, .resultDiffers)
    return bytes
  }
}

/// Patches §5: what a patch makes of a base. Whatever its bytes are, no file is handed out that is not the announced one's.
/// @throws PatchError
public func readTreePatch(_ input: TreePatchInput) throws -> TreePatch {
  let header = try readHeader(try input.patch.piece(0, TreeFormat.headerBytes))
  let base = inTreeOrder(input.base)
  try expectTreeDigest(header.baseSha256, treeDigest(base, input.sha256), .baseDiffers)
  try expectTreeDigest(header.targetSha256, input.targetSha256, .resultDiffers)

  let packed = try input.patch.piece(TreeFormat.headerBytes, header.packedIndexBytes)
  let unpacked = try unpack(input.unpacking, header.packing, packed, sizeBytes: header.indexBytes)
  let index = try readIndex(unpacked, base: base, input.limits)
  // The digest of the list stands for every digest in it.
  try expectTreeDigest(header.targetSha256, treeDigest(index.files.map(\.asTreeFile), input.sha256), .resultDiffers)
  let framesAt = TreeFormat.headerBytes + header.packedIndexBytes
  let end = index.frames.reduce(framesAt) { $0 + $1.packedBytes }
  if end != input.patch.sizeBytes {
    throw damaged("Expected a patch of \(end) bytes, found one of \(input.patch.sizeBytes).")
  }
  return TreePatch(
    packing: header.packing, files: index.files, frames: index.frames, framesAt: framesAt, input: input)
}

private struct Header {
  let packing: Packing
  let baseSha256: String
  let targetSha256: String
  let indexBytes: Int
  let packedIndexBytes: Int
}

private func readHeader(_ bytes: [UInt8]) throws -> Header {
  let reader = ByteReader(bytes[...], "the header")
  if !(try reader.take(TreeFormat.magic.count).elementsEqual(TreeFormat.magic)) {
    throw damaged("Expected a patch that begins with HPDELTA1, found something else.")
  }
  let header = Header(
    packing: try readPacking(try reader.byte()),
    baseSha256: hexFromBytes(Array(try reader.take(TreeFormat.digestBytes))),
    targetSha256: hexFromBytes(Array(try reader.take(TreeFormat.digestBytes))),
    indexBytes: readSize(try reader.take(4)),
    packedIndexBytes: readSize(try reader.take(4)))
  let largest = max(header.indexBytes, header.packedIndexBytes)
  if largest > TreeFormat.maxIndexBytes {
    throw PatchError(
      .patchTooLarge, "Expected an index of up to \(TreeFormat.maxIndexBytes) bytes, found \(largest).")
  }
  return header
}

/// Four bytes, the lowest first.
private func readSize(_ bytes: ArraySlice<UInt8>) -> Int {
  bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
}

private func expectTreeDigest(_ stated: String, _ found: String, _ code: PatchError.Code) throws {
  if isSameText(stated, found) { return }
  let what = code == .baseDiffers ? "from the tree" : "to the tree"
  throw PatchError(code, "Expected a patch \(what) \(found), found one \(what) \(stated).")
}
