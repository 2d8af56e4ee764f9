import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

/// The file that React Native runs.
public let bundleName = "main.jsbundle"
/// Of a release without it it is gone back from, and from the one before it.
private let maxBeginnings = 3

/// The app did something wrong: a promise rejects with this code.
public struct AppMistakeError: Error, CustomStringConvertible {
  public let code: String
  public let description: String

  static func configInvalid(_ description: String) -> AppMistakeError {
    AppMistakeError(code: "config-invalid", description: description)
  }

  static let notConfigured = AppMistakeError(
    code: "not-configured",
    description: "A server and an app must be known before updates are asked for: call configure() with apiUrl and "
      + "appId, or have the binary say them.")
}

/// One engine and what it chose: until the next restart, or the end of the process.
private struct Session {
  let engine: Engine
  /// Nil is what the binary shipped with.
  let bundle: String?
  var isConfigured = false
  /// What was chosen does not run, and must not be confirmed by what does.
  var isOver = false
}

/// What a process has of updates, for the native module: everything that crosses is a text of JSON. All but `status` may
/// block.
public final class Updates {
  private let ports: Ports
  private let native: NativeConfiguration
  private let memory: DeviceMemory
  private let lock = NSRecursiveLock()
  private var app = AppConfiguration()
  private var session: Session
  private var listener: ((String) -> Void)?

  /// Chooses what runs: before React, in the main thread, without a network.
  public init(_ ports: Ports, _ native: NativeConfiguration, _ memory: DeviceMemory, inBackground: Bool) {
    (self.ports, self.native, self.memory) = (ports, native, memory)
    session = Self.begin(ports, inBackground: inBackground)
    open()
  }

  /// The path of the file that React Native runs; nil is what the binary shipped with.
  public var bundle: String? { current.bundle }

  /// Whoever hears of it, as texts of `NativeEvent`: the module of the JavaScript that runs.
  public func listen(_ listener: ((String) -> Void)?) {
    lock.lock()
    defer { lock.unlock() }
    self.listener = listener
  }

  public func status() throws -> String {
    let session = current
    return statusText(
      try session.engine.status(),
      StatusFacts(
        host: ports.host, channel: channel, deviceId: deviceId, isConfigured: session.isConfigured, problem: nil))
  }

  public func configure(_ configuration: String) throws -> String {
    do {
      let read = try readAppConfiguration(configuration)
      lock.lock()
      app = read
      lock.unlock()
      try reconfigure()
    } catch let error as UnexpectedJsonError {
      throw AppMistakeError.configInvalid(error.description)
    }
    return try status()
  }

  public func check() throws -> String { try ask { try $0.check() } }

  public func download() throws -> String { try ask { try $0.download() } }

  public func sync() throws -> String { try ask { try $0.sync() } }

  public func confirm() throws -> Bool {
    let session = current
    return session.isOver ? false : try session.engine.confirm()
  }

  public func crashed() -> Bool {
    let session = current
    guard !session.isOver, session.bundle != nil else { return false }
    return (try? session.engine.crashed()) != nil
  }

  public func rollBack() throws -> Bool {
    let session = current
    return session.isOver ? false : try session.engine.rollBack()
  }

  public func setChannel(_ channel: String?) throws -> String {
    if let channel, !isChannel(channel) {
      throw AppMistakeError.configInvalid("/channel: expected the name of a channel, found \"\(channel.prefix(80))\"")
    }
    do {
      try memory.chooseChannel(channel)
    } catch {
      throw AppMistakeError.configInvalid("the channel cannot be remembered: \(error)")
    }
    try reconfigure()
    return try status()
  }

  public func flushReports() throws {
    let session = current
    if !session.isOver { try session.engine.flushReports() }
  }

  /// Chooses anew what runs, as a start of the app does. What the JavaScript of before still says is not of what was chosen
  /// now.
  /// - Parameter load: has React Native load `bundle`; false when that did not work
  public func restart(load: () -> Bool) -> Bool {
    lock.lock()
    session = Self.begin(ports, inBackground: false)
    open()
    lock.unlock()
    if load() { return true }
    lock.lock()
    session.isOver = true
    lock.unlock()
    return false
  }

  private static func begin(_ ports: Ports, inBackground: Bool) -> Session {
    for _ in 0..<maxBeginnings {
      let engine = Engine(ports)
      guard case .release(let release) = engine.start(inBackground: inBackground) else {
        return Session(engine: engine, bundle: nil)
      }
      let bundle = "\(release.directory)/\(bundleName)"
      if FileManager.default.fileExists(atPath: bundle) { return Session(engine: engine, bundle: bundle) }
      // A release that has no JavaScript cannot be run.
      _ = try? engine.rollBack()
    }
    let engine = Engine(ports)
    _ = engine.start(inBackground: inBackground)
    return Session(engine: engine, bundle: nil, isOver: true)
  }

  private func open() {
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

  private var current: Session {
    lock.lock()
    defer { lock.unlock() }
    return session
  }

  private var channel: String {
    lock.lock()
    defer { lock.unlock() }
    return memory.channel ?? app.channel ?? native.channel ?? defaultChannel
  }

  private var deviceId: String {
    lock.lock()
    defer { lock.unlock() }
    return app.deviceId ?? memory.deviceId
  }

  private func reconfigure() throws {
    lock.lock()
    defer { lock.unlock() }
    guard let config = engineConfigOf(native, app, channel: channel, deviceId: deviceId) else { return }
    try session.engine.configure(config)
    session.isConfigured = true
  }

  private func ask(_ work: (Engine) throws -> UpdateOutcome) throws -> String {
    let session = current
    if session.isOver {
      let error = UpdateError(.installFailed, "another release was chosen, and its JavaScript is being loaded")
      return outcomeText(.failed(error, releaseId: nil))
    }
    if !session.isConfigured { throw AppMistakeError.notConfigured }
    return outcomeText(try work(session.engine))
  }
}
