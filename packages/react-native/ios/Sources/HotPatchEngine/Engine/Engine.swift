import Foundation

/// The device engine over what its machine offers, for the React Native contract, whose updates are archives, as they are
/// or encrypted, and patches of them; from a server, from an edge, or from both. One for each app and process. Another one
/// over the same ports takes its place when it starts, which must not be while this one asks the server.
///
/// Every function blocks. `start` needs no network and no configuration and is called where the app starts, before any of
/// its own code; what asks the network is called from a thread that may wait.
///
///     let engine = Engine(ports)
///     let launched = engine.start()
///     // … run launched.directory, or embedded; in the app's own code:
///     try engine.configure(config)
///     // … after the first successful screen:
///     try engine.confirm()
///     try engine.sync()
public final class Engine {
  private struct Session {
    let store: StateStore
    let outbox: Outbox
    let readiness: Readiness
    let launched: Launch
    let running: InstalledRelease?
    let builtAt: Int?
  }

  private struct Configured {
    let settings: Settings
    let flow: UpdateFlow
  }

  private let ports: Ports
  private let limits: Limits
  private let listeners = Listeners()
  private let lane = Lane<UpdateOutcome>()
  private let starting = NSLock()
  private let looking = NSLock()
  private var launched: Launch?
  private var session: Session?
  private var configured: Configured?
  // The folder could not even be read: embedded runs, and nothing is updated until the next start.
  private var broken: UpdateError?

  public init(_ ports: Ports, limits: Limits = Limits()) {
    self.ports = ports
    self.limits = limits
  }

  /// Chooses what to run, before any of the app's own code; needs no network. Once: asked again it says the same.
  /// - Parameter inBackground: the app is started without being shown.
  public func start(inBackground: Bool = false) -> Launch {
    starting.lock()
    defer { starting.unlock() }
    if let launched { return launched }
    let found = begin(inBackground: inBackground)
    launched = found
    return found
  }

  /// Where updates come from, and by which keys. Asked again, what is under way ends as it was begun.
  /// Throws EngineUseError when a key is not the base64 of 32 bytes, there are too many, an edge and no key, or neither
  /// server nor edge, or nothing was started.
  public func configure(_ config: EngineConfig) throws {
    let settings = try readSettings(config, limits)
    guard let session = try started() else { return }
    let keys = fileDecrypter.keysOf(ports, settings.decryptionKeys)
    let server = ServerApi(ports, settings) { keys.map(\.keyId) }
    let trust = TrustTeller(ports, settings, session.store, builtAt: session.builtAt)
    session.outbox.connect(server, trust)
    let failures = FailureMemory(session.store, session.outbox, running: session.running)
    let emit = listeners.emit
    let context = FlowContext(
      ports: ports, settings: settings, decryptionKeys: { keys }, store: session.store,
      source: updateSource(ports, settings, server), outbox: session.outbox, trust: trust, builtAt: session.builtAt,
      running: session.running, emit: emit, way: UpdateWay(emit), failures: failures)
    looking.lock()
    configured = Configured(settings: settings, flow: UpdateFlow(context))
    looking.unlock()
  }

  /// "App ready", at every start: the running release proved itself. False when that could not be stored. Asks no
  /// network: whoever calls it calls `flushReports` next, where it may wait.
  @discardableResult
  public func confirm() throws -> Bool {
    try started()?.readiness.confirm() ?? true
  }

  /// The app knows that the running release does not work: the next start rolls it back. One that was confirmed has to
  /// fail at several starts in a row. From any thread, also of an app that is about to end, whatever else is under way.
  public func crashed() throws {
    _ = try started()?.readiness.noteCrash(leastStarts: 0)
  }

  /// The app, or who uses it, does not want what runs: the next start goes back from it, and it is never tried again.
  /// False when embedded runs, or that could not be stored.
  public func rollBack() throws -> Bool {
    guard let readiness = try started()?.readiness else { return false }
    return (try? readiness.noteCrash(leastStarts: limits.badStartsInARow)) ?? false
  }

  public func check() throws -> UpdateOutcome {
    try join("check") { $0.flow.check() }
  }

  /// What the last check found, or else what a new one finds.
  public func download() throws -> UpdateOutcome {
    try join("download") { $0.flow.download() }
  }

  /// Checks, downloads and stages, and sends the reports that wait; restarts the app for a mandatory update if the host
  /// can.
  public func sync() throws -> UpdateOutcome {
    try join("sync", synchronize)
  }

  /// Sends the reports that wait; before `configure` they go on waiting.
  public func flushReports() throws {
    try started()?.outbox.flush()
  }

  public func status() throws -> EngineStatus {
    guard let session = try started() else { return .nothingKnown }
    return statusOf(session.store.current, launched: session.launched, running: session.running, host: ports.host)
  }

  /// Returns the function that ends the subscription. The listener is called in the thread that does what it is told of,
  /// and must not ask the engine for anything that waits.
  public func subscribe(_ listener: @escaping (EngineEvent) -> Void) -> () -> Void {
    listeners.add(listener)
  }

  private func begin(inBackground: Bool) -> Launch {
    ports.writer.takeOver { [weak self] in self?.end() }
    let store: StateStore
    do {
      store = try StateStore(ports, limits)
    } catch {
      looking.lock()
      broken = asUpdateError(error)
      looking.unlock()
      return .embedded
    }
    let (running, slot) = settle(store, inBackground: inBackground)
    let launched = launchOf(ports.files, running, slot)
    let begun = Session(
      store: store, outbox: Outbox(ports.files, store, limits, emit: listeners.emit),
      readiness: Readiness(ports.files, store, running: running), launched: launched, running: running,
      builtAt: readBuiltAt(ports.host, now: ports.clock.now()))
    looking.lock()
    session = begun
    looking.unlock()
    return launched
  }

  private func end() {
    guard let session = try? started() else { return }
    session.readiness.end()
    session.outbox.end()
  }

  /// Whatever goes wrong, something is started that was verified: at worst what the binary shipped with.
  private func settle(_ store: StateStore, inBackground: Bool) -> (InstalledRelease?, Slot) {
    do {
      return (try launch(ports, store, limits, inBackground: inBackground), .bundle)
    } catch {
      let found = try? launchWithoutWriting(ports, store, limits)
      return (found?.release, found?.slot ?? .bundle)
    }
  }

  /// Nil when the folder could not be read.
  private func started() throws -> Session? {
    looking.lock()
    defer { looking.unlock() }
    if session == nil && broken == nil {
      throw EngineUseError(description: "start() must have returned before anything else is asked of the engine")
    }
    return session
  }

  private func join(_ name: String, _ work: (Configured) -> UpdateOutcome) throws -> UpdateOutcome {
    guard try started() != nil else { return .failed(unreadable, releaseId: nil) }
    guard currentConfiguration != nil else {
      throw EngineUseError(description: "configure() must have been called before the server is asked for updates")
    }
    return lane.join(name) {
      // As it is when its turn comes.
      currentConfiguration.map(work) ?? .failed(unreadable, releaseId: nil)
    }
  }

  private var currentConfiguration: Configured? {
    looking.lock()
    defer { looking.unlock() }
    return configured
  }

  private var unreadable: UpdateError {
    looking.lock()
    defer { looking.unlock() }
    return broken ?? UpdateError(.storageFailed, "the private folder cannot be read")
  }

  private func synchronize(_ configured: Configured) -> UpdateOutcome {
    let checked = configured.flow.check()
    let outcome: UpdateOutcome
    switch checked {
    case .available, .availableEmbedded: outcome = configured.flow.download()
    default: outcome = checked
    }
    try? flushReports()
    if case .staged(_, _, mandatory: true) = outcome, configured.settings.config.restartsWhenMandatory {
      // It is staged: when it does not work, the next start, whenever that is, takes it.
      try? ports.host.restart?()
    }
    return outcome
  }
}
