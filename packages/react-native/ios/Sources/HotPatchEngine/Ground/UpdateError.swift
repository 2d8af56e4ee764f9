import Foundation

/// Why an update was not taken. `code` is the same in every SDK; the cause is kept.
public struct UpdateError: Error, CustomStringConvertible {
  public let code: SdkCode
  public let message: String
  public let cause: Error?
  /// What the server answered with, where that is the reason.
  public let status: Int?
  /// The server asked for this much patience.
  public let retryAfterMs: Double?

  public init(
    _ code: SdkCode, _ message: String, cause: Error? = nil, status: Int? = nil, retryAfterMs: Double? = nil
  ) {
    self.code = code
    self.message = message
    self.cause = cause
    self.status = status
    self.retryAfterMs = retryAfterMs
  }

  /// Whether the same release may be tried again later.
  public var isRetryable: Bool { code.isRetryable }

  public var description: String { "\(code.rawValue): \(message)" }
}

/// The server understood and said no: asking again at once gives the same.
func isFinalStatus(_ status: Int) -> Bool {
  status >= 400 && status < 500 && status != 408 && status != 429
}

/// Anything that is not an UpdateError yet came from the files port.
func asUpdateError(_ error: Error) -> UpdateError {
  if let known = error as? UpdateError { return known }
  if let error = error as? FilesError, error.isFull {
    return UpdateError(.storageFull, "the disk is full", cause: error)
  }
  return UpdateError(.storageFailed, "a file operation failed: \(messageOf(error))", cause: error)
}

/// Reports and logs have it. A system's own errors describe themselves with the whole address, which may have a secret in
/// its query.
func messageOf(_ error: Error) -> String {
  if let known = error as? UpdateError { return known.message }
  let system = error as NSError
  let isSystems = type(of: error) is NSError.Type || !system.userInfo.isEmpty
  return isSystems ? "\(system.localizedDescription) (\(system.domain) \(system.code))" : String(describing: error)
}
