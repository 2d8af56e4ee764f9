import Foundation

/// `HOTPATCH_EVERY_CUT=1` plays what takes minutes: the power goes at every single change, and not at some of them.
enum EveryCut {
  static let isPlayed = ProcessInfo.processInfo.environment["HOTPATCH_EVERY_CUT"] == "1"

  /// Of so many changes all, or every `step`th; another `offset` finds others.
  static func positions(_ count: Int, step: Int, offset: Int) -> [Int] {
    isPlayed ? Array(1...max(1, count)) : Array(stride(from: 1 + offset % step, through: count, by: step))
  }
}
