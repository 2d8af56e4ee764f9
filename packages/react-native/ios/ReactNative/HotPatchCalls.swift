import Foundation

public typealias Resolve = (Any?) -> Void
public typealias Reject = (String?, String?, Error?) -> Void

/// What the native module asks: it is Objective-C++, as both architectures want it, and has nothing of its own.
@objc(HotPatchCalls)
public final class HotPatchCalls: NSObject {
  private let work = DispatchQueue(label: "dev.hotpatch.work", attributes: .concurrent)
  /// What is quick waits for no download.
  private let settings = DispatchQueue(label: "dev.hotpatch.settings")
  private let pace = EventPace()
  /// Of the JavaScript that is being loaded: nil where updates are off.
  private let session = HotPatch.updates?.calls()

  /// - Parameter send: takes a `NativeEvent` as JSON
  @objc public func listen(_ send: ((String) -> Void)?) {
    guard let send else { return HotPatch.updates?.listen(nil) ?? () }
    HotPatch.updates?.listen { [pace] event in pace.hear(event, send) }
  }

  @objc public func status() -> String {
    (try? session?.status()) ?? offStatus(problem, nativeVersion: HotPatch.nativeVersion)
  }

  @objc public func crashed() -> Bool {
    session?.crashed() ?? false
  }

  @objc public func configure(_ configuration: String, resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(settings, resolve, reject) { try $0.configure(configuration) }
  }

  @objc public func setChannel(_ channel: String?, resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(settings, resolve, reject) { try $0.setChannel(channel) }
  }

  @objc public func check(_ resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(work, resolve, reject) { try $0.check() }
  }

  @objc public func download(_ resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(work, resolve, reject) { try $0.download() }
  }

  @objc public func sync(_ resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(work, resolve, reject) { try $0.sync() }
  }

  @objc public func confirm(_ resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(settings, resolve, reject) { try $0.confirm() }
  }

  @objc public func rollBack(_ resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(settings, resolve, reject) { try $0.rollBack() }
  }

  @objc public func restart(_ resolve: @escaping Resolve, reject: @escaping Reject) {
    HotPatch.restarts.async { [session] in resolve(session.map { HotPatch.reload($0.restart) } ?? false) }
  }

  @objc public func flushReports(_ resolve: @escaping Resolve, reject: @escaping Reject) {
    answer(work, resolve, reject) {
      try $0.flushReports()
      return nil
    }
  }

  private var problem: String { HotPatch.problem ?? "HotPatch could not be started" }

  private func answer(
    _ queue: DispatchQueue, _ resolve: @escaping Resolve, _ reject: @escaping Reject,
    _ ask: @escaping (SessionCalls) throws -> Any?
  ) {
    queue.async { [problem, session] in
      guard let session else { return reject("config-invalid", problem, nil) }
      do {
        resolve(try ask(session))
      } catch {
        // What is not the app's mistake is ours: outcomes are values.
        reject((error as? AppMistakeError)?.code ?? "bug", String(describing: error), error)
      }
    }
  }
}
