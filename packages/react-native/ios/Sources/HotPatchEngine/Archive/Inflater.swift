/// Bounds what is handed on at a time, whatever comes in.
private let outputBytes = 32 * 1024

/// Hands what comes out to `take`.
final class Inflater {
  private let name: String
  private let raw: RawInflater
  private let take: ([UInt8]) throws -> Void
  private var isFinished = false

  init(_ name: String, _ unpacking: UnpackingPort, take: @escaping ([UInt8]) throws -> Void) {
    self.name = name
    self.take = take
    raw = unpacking.rawInflater()
  }

  func push(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    // A full piece may have left more to come, without more input.
    var isFull = true
    while isFull, !isFinished {
      let step = try unpack(rest)
      if !step.output.isEmpty { try take(step.output) }
      rest = rest.dropFirst(step.consumed)
      isFinished = step.isFinished
      isFull = step.output.count == outputBytes
    }
    if !rest.isEmpty { throw refusedArchive("\(name) goes on after its end") }
  }

  func end() throws {
    if !isFinished { throw refusedArchive("\(name) ends too early") }
  }

  private func unpack(_ bytes: ArraySlice<UInt8>) throws -> InflateStep {
    do {
      return try raw.step(bytes, maxOutput: outputBytes)
    } catch {
      throw refusedArchive("\(name) is damaged")
    }
  }
}
