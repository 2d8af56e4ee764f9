import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

public final class SystemClock: ClockPort {
  public init() {}

  public func now() -> Int {
    Int((Date().timeIntervalSince1970 * 1000).rounded(.down))
  }

  /// Goes on while the device sleeps.
  public func elapsed() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1_000_000
  }

  public func sleep(ms: Double) {
    Thread.sleep(forTimeInterval: ms / 1000)
  }

  public func random() -> Double {
    Double.random(in: 0..<1)
  }
}
