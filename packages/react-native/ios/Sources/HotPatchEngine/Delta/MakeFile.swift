/// What a frame holds: three streams that its files share one after the other.
struct FrameContent {
  let steps: ByteReader
  let added: ByteReader
  let inserted: ByteReader
}

/// Patches §5.4.
func makeNewFile(_ content: FrameContent, sizeBytes: Int) throws -> [UInt8] {
  Array(try content.inserted.take(sizeBytes))
}

/// Patches §5.4. Strict, other than bspatch: what a step takes of the base is within it.
func makePatchedFile(_ content: FrameContent, base: [UInt8], sizeBytes: Int, stepCount: Int) throws -> [UInt8] {
  var target: [UInt8] = []
  target.reserveCapacity(sizeBytes)
  var position = 0
  for _ in 0..<stepCount {
    let addedBytes = try content.steps.number()
    let insertedBytes = try content.steps.number()
    let jump = try content.steps.number()
    let left = sizeBytes - target.count
    if addedBytes + insertedBytes > left {
      throw damaged("Expected a step within \(left) bytes, found one of \(addedBytes) and \(insertedBytes).")
    }
    if addedBytes > 0, position < 0 || addedBytes > base.count - position {
      throw damaged(
        "Expected a step within \(base.count) bytes of the base, found \(addedBytes) from \(position) on.")
    }
    if addedBytes > 0 { add(try content.added.take(addedBytes), to: base[position..<position + addedBytes], into: &target) }
    target += try content.inserted.take(insertedBytes)
    // Even ones go forward. Each is below 2^53, and there may be many.
    let (next, isBeyond) = position.addingReportingOverflow(addedBytes + (jump % 2 == 0 ? jump / 2 : -(jump + 1) / 2))
    if isBeyond { throw damaged("Expected steps within the base, found one far from it.") }
    position = next
  }
  if target.count != sizeBytes {
    throw damaged("Expected steps for \(sizeBytes) bytes, found them for \(target.count).")
  }
  return target
}

/// What is added counts modulo 256.
private func add(_ difference: ArraySlice<UInt8>, to base: ArraySlice<UInt8>, into target: inout [UInt8]) {
  difference.withUnsafeBufferPointer { difference in
    base.withUnsafeBufferPointer { base in
      for index in 0..<difference.count { target.append(difference[index] &+ base[index]) }
    }
  }
}
