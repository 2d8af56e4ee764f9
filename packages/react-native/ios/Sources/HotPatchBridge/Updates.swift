import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

/// The file that React Native runs.
public let bundleName = "main.jsbundle"
/// Of a release without it it is gone back from, and from the one before it.
private let maxBeginnings = 3

/// One engine and what it chose: until the next restart, or the end of the process.
final class UpdateSession {
  let engine: Engine
  /// Nil is what the binary shipped with.
  let bundle: String?
  private let lock = NSLock()
  private var flags = (isConfigured: false, isOver: false)

  init(_ engine: Engine, bundle: String?) {
    self.engine = engine
    self.bundle = bundle
  }

  var isConfigured: Bool {
    get { look { flags.isConfigured } }
    set { look { flags.isConfigured = newValue } }
  }

  /// Other JavaScript is loaded, or this was never loaded: what is said of it is not heard.
  var isOver: Bool {
    get { look { flags.isOver } }
    set { look { flags.isOver = newValue } }
  }

  private func look<T>(_ work: () -> T) -> T {
    lock.lock()
    defer { lock.unlock() }
    return work()
  }
}

/// What a process has of updates: the session that runs, and what is said of all of them.
public final class Updates {
  let ports: Ports
  private let native: NativeConfiguration
  private let memory: DeviceMemory
  private let lock = NSRecursiveLock()
  /// What asks the server holds it for reading: an engine's folder is another's only when nothing is under way in it.
  let work = WorkLock()
  private var app = AppConfiguration()
  private var session: UpdateSession
  private var listener: ((String) -> Void)?

  /// Chooses what runs: before React, in the main thread, without a network.
  public init(_ ports: Ports, _ native: NativeConfiguration, _ memory: DeviceMemory, inBackground: Bool) {
    (self.ports, self.native, self.memory) = (ports, native, memory)
    session = Self.begin(ports, inBackground: inBackground)
    open(session)
  }

  /// The path of the file that React Native runs; nil is what the binary shipped with.
  public var bundle: String? { current.bundle }

  /// For the JavaScript that is being loaded.
  public func calls() -> SessionCalls {
    SessionCalls(self, current)
  }

  /// Whoever hears of it, as texts of `NativeEvent`: the module of the JavaScript that runs.
  public func listen(_ listener: ((String) -> Void)?) {
    lock.lock()
    defer { lock.unlock() }
    self.listener = listener
  }

  /// The process ends by an error that nobody caught.
  @discardableResult
  public func crashed() -> Bool {
    calls().crashed()
  }

  /// Chooses anew what runs, as a start of the app does, when what asks the server has ended. The session before it is over:
  /// what its JavaScript still says is not of what was chosen now.
  /// - Parameter load: has React Native load `bundle`; false when that did not work
  public func restart(load: () -> Bool) -> Bool {
    let begun = work.write { () -> UpdateSession in
      current.isOver = true
      let begun = Self.begin(ports, inBackground: false)
      lock.lock()
      session = begun
      lock.unlock()
      open(begun)
      return begun
    }
    if load() { return true }
    // What was chosen does not run, and must not be confirmed by what does. The next start of the app begins it.
    begun.isOver = true
    return false
  }

  private static func begin(_ ports: Ports, inBackground: Bool) -> UpdateSession {
    for _ in 0..<maxBeginnings {
      let engine = Engine(ports)
      guard case .release(let release) = engine.start(inBackground: inBackground) else {
        return UpdateSession(engine, bundle: nil)
      }
      let bundle = "\(release.directory)/\(bundleName)"
      if FileManager.default.fileExists(atPath: bundle) { return UpdateSession(engine, bundle: bundle) }
      // A release that has no JavaScript cannot be run.
      _ = try? engine.rollBack()
    }
    let engine = Engine(ports)
    _ = engine.start(inBackground: inBackground)
    let session = UpdateSession(engine, bundle: nil)
    session.isOver = true
    return session
  }

  private func open(_ session: UpdateSession) {
    _ = session.engine.subscribe { [weak self] event in self?.told(event) }
    // What the binary says was read already, and with nothing of JavaScript's there is nothing else to be wrong.
    try? reconfigure()
  }

  private func told(_ event: EngineEvent) {
    lock.lock()
    let listener = self.listener
    lock.unlock()
    listener?(eventText(event))
  }

  private var current: UpdateSession {
    lock.lock()
    defer { lock.unlock() }
    return session
  }

  var channel: String {
    lock.lock()
    defer { lock.unlock() }
    return memory.channel ?? app.channel ?? native.channel ?? defaultChannel
  }

  var deviceId: String {
    lock.lock()
    defer { lock.unlock() }
    return app.deviceId ?? memory.deviceId
  }

  /// Holds from the next check on.
  func configure(_ next: AppConfiguration) throws {
    lock.lock()
    app = next
    lock.unlock()
    try reconfigure()
  }

  func chooseChannel(_ channel: String?) throws {
    do {
      try memory.chooseChannel(channel)
    } catch {
      throw AppMistakeError.configInvalid("the channel cannot be remembered: \(error)")
    }
    try reconfigure()
  }

  private func reconfigure() throws {
    lock.lock()
    defer { lock.unlock() }
    guard let config = engineConfigOf(native, app, channel: channel, deviceId: deviceId) else { return }
    try session.engine.configure(config)
    session.isConfigured = true
  }
}
