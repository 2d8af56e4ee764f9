public struct TreeLimits {
  /// Of one file that is made, and of one frame.
  public var maxFileBytes: Int
  /// Of all files of the target.
  public var maxTargetBytes: Int

  public init(maxFileBytes: Int, maxTargetBytes: Int) {
    self.maxFileBytes = maxFileBytes
    self.maxTargetBytes = maxTargetBytes
  }
}

func expectTree(_ files: [PatchedFile], _ limits: TreeLimits) throws {
  for (before, file) in zip(files, files.dropFirst()) where !isBefore(before.path, file.path) {
    let (found, last) = (writeJson(.string(file.path)), writeJson(.string(before.path)))
    throw damaged("Expected paths in their order, found \(found) after \(last).")
  }
  for file in files where file.isMade && file.sizeBytes > limits.maxFileBytes {
    throw tooLarge(file.sizeBytes, limits.maxFileBytes, "a file")
  }
  let sum = sumOf(files.lazy.map(\.sizeBytes))
  if sum > limits.maxTargetBytes { throw tooLarge(sum, limits.maxTargetBytes, "files") }
  if let fault = treeFault(files.map(\.asTreeFile)) { throw damaged("Expected harmless paths, found \(fault).") }
}

/// What is unpacked is exactly what the files take, so that their limits are the limits of all.
func expectFrames(_ index: TreeIndex, _ limits: TreeLimits) throws {
  var left = index.files.filter(\.isMade)[...]
  for frame in index.frames {
    let held = left.prefix(frame.fileCount)
    left = left.dropFirst(frame.fileCount)
    try expectFrame(frame, held, limits)
  }
  if !left.isEmpty { throw damaged("Expected frames for all files, found none for the last \(left.count).") }
}

private func expectFrame(_ frame: Frame, _ held: ArraySlice<PatchedFile>, _ limits: TreeLimits) throws {
  let sum = sumOf(held.lazy.map(\.sizeBytes))
  let steps = sumOf(held.lazy.map(\.steps))
  let bytes = frame.addedBytes + frame.insertedBytes
  if held.isEmpty || held.count != frame.fileCount || bytes != sum {
    throw damaged("Expected frames that hold the files, found one of \(frame.fileCount) files and \(bytes) bytes.")
  }
  // A step makes a byte at least, but for one in each file, and has three numbers of a byte to eight.
  if steps > sum + held.count || frame.stepBytes < 3 * steps || frame.stepBytes > 24 * steps {
    throw damaged("Expected steps that \(sum) bytes may need, found \(steps) in \(frame.stepBytes) bytes.")
  }
  let unpackedBytes = frame.stepBytes + sum
  // It is read as a whole, packed and unpacked, however many small files somebody has put into one.
  if unpackedBytes > limits.maxFileBytes { throw tooLarge(unpackedBytes, limits.maxFileBytes, "a frame") }
  // What cannot be packed grows by less.
  if frame.packedBytes > unpackedBytes + (unpackedBytes >> 8) + 64 {
    throw damaged("Expected \(unpackedBytes) bytes to be packed, found \(frame.packedBytes) for them.")
  }
}

/// Of numbers below 2^53, of which there may be too many for any sum: beyond all limits it does not matter how far.
private func sumOf(_ numbers: some Sequence<Int>) -> Int {
  numbers.reduce(0) { min($0 + $1, 1 << 57) }
}

private func tooLarge(_ found: Int, _ limit: Int, _ what: String) -> PatchError {
  PatchError(.patchTooLarge, "Expected \(what) of up to \(limit) bytes, found \(found).")
}
