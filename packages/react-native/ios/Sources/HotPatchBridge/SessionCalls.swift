#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

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

/// What the JavaScript of one session asks: everything that crosses is a text of JSON. All but `status` may block. When
/// another release was chosen, nothing that it says is heard.
public final class SessionCalls {
  private let updates: Updates
  private let session: UpdateSession

  init(_ updates: Updates, _ session: UpdateSession) {
    (self.updates, self.session) = (updates, session)
  }

  public func status() throws -> String {
    statusText(
      try session.engine.status(),
      StatusFacts(
        host: updates.ports.host, channel: updates.channel, deviceId: updates.deviceId,
        isConfigured: session.isConfigured, problem: nil))
  }

  public func configure(_ configuration: String) throws -> String {
    do {
      try updates.configure(try readAppConfiguration(configuration))
    } catch let error as UnexpectedJsonError {
      throw AppMistakeError.configInvalid(error.description)
    }
    return try status()
  }

  public func check() throws -> String { try ask { try $0.check() } }

  public func download() throws -> String { try ask { try $0.download() } }

  public func sync() throws -> String { try ask { try $0.sync() } }

  public func confirm() throws -> Bool {
    session.isOver ? false : try session.engine.confirm()
  }

  public func crashed() -> Bool {
    guard !session.isOver, session.bundle != nil else { return false }
    return (try? session.engine.crashed()) != nil
  }

  public func rollBack() throws -> Bool {
    session.isOver ? false : try session.engine.rollBack()
  }

  public func setChannel(_ channel: String?) throws -> String {
    if let channel, !isChannel(channel) {
      throw AppMistakeError.configInvalid("/channel: expected the name of a channel, found \"\(channel.prefix(80))\"")
    }
    try updates.chooseChannel(channel)
    return try status()
  }

  public func flushReports() throws {
    try updates.work.read { if !session.isOver { try session.engine.flushReports() } }
  }

  /// - Parameter load: has React Native load what was chosen; false when that did not work
  public func restart(load: () -> Bool) -> Bool {
    !session.isOver && updates.restart(load: load)
  }

  private func ask(_ work: (Engine) throws -> UpdateOutcome) throws -> String {
    try updates.work.read {
      if session.isOver {
        let error = UpdateError(.installFailed, "another release was chosen, and its JavaScript is being loaded")
        return outcomeText(.failed(error, releaseId: nil))
      }
      if !session.isConfigured { throw AppMistakeError.notConfigured }
      return outcomeText(try work(session.engine))
    }
  }
}
