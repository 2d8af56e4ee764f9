import Foundation

/// What the engine needs of the machine it runs on: packages/device-ground and packages/client in TypeScript, as
/// functions that block. The engine imports Foundation and nothing else.
///
/// Bytes are `[UInt8]` everywhere: a slice of `Data` does not begin at index 0.

public struct FileStat: Equatable, Sendable {
  public enum Kind: Sendable { case file, directory, other }
  public var kind: Kind
  public var sizeBytes: Int

  public init(kind: Kind, sizeBytes: Int) {
    self.kind = kind
    self.sizeBytes = sizeBytes
  }
}

/// What a files port throws. Anything else that it throws counts as a disk that failed.
public struct FilesError: Error, CustomStringConvertible {
  /// ENOSPC or EDQUOT: the app is told that the disk is full.
  public let isFull: Bool
  public let description: String

  public init(isFull: Bool = false, _ description: String) {
    self.isFull = isFull
    self.description = description
  }
}

/// The app's private folder. Paths are relative to it, with "/" between names. Called from several threads.
public protocol FilesPort: AnyObject {
  /// Nil when there is no such file.
  func read(_ path: String) throws -> [UInt8]?
  /// Fewer bytes than asked for only at the end of the file.
  func readRange(_ path: String, offset: Int, length: Int) throws -> [UInt8]
  /// Creates or replaces; the content (not yet the name) is durable when it returns.
  func write(_ path: String, _ bytes: [UInt8]) throws
  /// Writes at `offset` and cuts off whatever lay beyond; creates the file; durable only after `sync`.
  func append(_ path: String, offset: Int, _ bytes: [UInt8]) throws
  func sync(_ path: String) throws
  /// Makes the names in a directory durable: creations, renames and removals. "" is the folder itself.
  func syncDirectory(_ path: String) throws
  /// Replaces a file at `to`; `to` must not be a directory.
  func rename(_ from: String, to: String) throws
  /// With everything in it; does nothing when it is absent.
  func remove(_ path: String) throws
  /// With its parents; does nothing when it exists.
  func makeDirectory(_ path: String) throws
  /// The path as the rest of the app needs it, to load the release.
  func locate(_ path: String) -> String
  /// Nil when there is nothing. Never follows a link.
  func stat(_ path: String) throws -> FileStat?
  /// Nil where the disk does not say.
  func freeBytes() throws -> Int?
}

public struct HttpRequest {
  public enum Method: String, Sendable { case get = "GET", post = "POST" }
  public var method: Method
  public var url: String
  public var headers: [String: String]
  /// Sent as UTF-8.
  public var body: String?

  public init(method: Method, url: String, headers: [String: String], body: String? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

public struct HttpResponse {
  public var status: Int
  /// Names in lower case.
  public var headers: [String: String]

  public init(status: Int, headers: [String: String]) {
    self.status = status
    self.headers = headers
  }
}

/// Thrown by an exchange that had to wait longer than it was told to.
public struct TookTooLongError: Error, CustomStringConvertible {
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}

public protocol HttpExchange: AnyObject {
  /// Waits for the head of the answer. Throws `TookTooLongError` when that takes longer than `withinMs`.
  func response(withinMs: Double) throws -> HttpResponse
  /// The next piece of its body, however long; nil at its end. Throws `TookTooLongError` as above.
  func next(withinMs: Double) throws -> [UInt8]?
  /// Ends the exchange at once; whoever waits for it in another thread then gets an error or the end.
  func abort()
}

/// Follows no redirects (the client does, and looks where they lead) and decodes nothing.
public protocol HttpPort: AnyObject {
  func open(_ request: HttpRequest) -> HttpExchange
}

public protocol Sha256Hasher: AnyObject {
  func update(_ bytes: [UInt8])
  func digest() -> [UInt8]
}

public protocol CryptoPort: AnyObject {
  func sha256() -> Sha256Hasher
  /// `publicKey` is the raw 32 bytes. False, not an error, for anything that does not verify.
  func verifyEd25519(publicKey: [UInt8], message: [UInt8], signature: [UInt8]) -> Bool
  /// In lower case.
  func randomUuid() -> String
}

public protocol ClockPort: AnyObject {
  /// Milliseconds since 1970, by a clock that people and networks set: for time stamps only.
  func now() -> Int
  /// Milliseconds since any one moment, by a clock that nobody sets: whatever is waited for or bounded.
  func elapsed() -> Double
  func sleep(ms: Double)
  /// 0 ≤ x < 1; for back-off only.
  func random() -> Double
}

/// The app binary around the engine.
public struct HostPort {
  /// As the store shows it.
  public var nativeVersion: String
  /// Of the same version, as the store counts them: without it, builds of one version are the same binary.
  public var nativeBuild: String?
  public var runtimeVersion: String?
  /// When this binary was built, in milliseconds since 1970, as its build wrote it down: releases that were signed
  /// before, and name no binaries that they are for, are then refused. In the future it is not believed (Engine §4).
  public var builtAt: Double?
  public var platform: String
  /// Told to the server for audiences and figures; all of them may be left out.
  public var osVersion: String?
  public var model: String?
  /// Such as "de-AT".
  public var locale: String?
  /// Such as "arm64".
  public var architecture: String?
  /// Of the SDK that the engine is part of.
  public var sdkVersion: String?
  public var isEmulator: Bool?
  /// Whether this binary is one that users have.
  public var isProduction: Bool?
  /// The store that the binary came from, such as "app_store".
  public var installSource: String?
  /// Starts the app again, for a mandatory update. Without it the update waits for the next start.
  public var restart: (() throws -> Void)?

  public init(nativeVersion: String, nativeBuild: String? = nil, runtimeVersion: String? = nil, platform: String) {
    self.nativeVersion = nativeVersion
    self.nativeBuild = nativeBuild
    self.runtimeVersion = runtimeVersion
    self.platform = platform
  }
}

public struct EmbeddedFile: Equatable, Sendable {
  public var path: String
  public var sizeBytes: Int

  public init(path: String, sizeBytes: Int) {
    self.path = path
    self.sizeBytes = sizeBytes
  }
}

/// What the binary shipped with, as the engine's releases have it: read, and never written.
public protocol EmbeddedFilesPort: AnyObject {
  /// All of it, each time the same, at paths with "/" between names.
  func list() throws -> [EmbeddedFile]
  /// Fewer bytes than asked for only at the end of the file.
  func readRange(_ path: String, offset: Int, length: Int) throws -> [UInt8]
}

/// What opening encrypted files takes of the machine (Encryption §5).
public protocol OpeningCrypto: AnyObject {
  func hmacSha256(key: [UInt8], message: [UInt8]) -> [UInt8]
  /// RFC 7748: what both sides come to share, 32 bytes. A private key with the base point gives its public key.
  /// Nil, not an error, for what is no key, or shares nothing.
  func x25519(privateKey: [UInt8], publicKey: [UInt8]) -> [UInt8]?
  /// AES with a key of 16 or 32 bytes and a nonce of 12; the tag of 16 bytes is behind the content. Nil when it does
  /// not verify.
  func openGcm(_ sealed: [UInt8], key: [UInt8], nonce: [UInt8], associated: [UInt8]) -> [UInt8]?
}

public struct InflateStep {
  /// How many bytes of the input are used up.
  public var consumed: Int
  public var output: [UInt8]
  /// The deflated bytes are at their end; what is left of the input is not theirs.
  public var isFinished: Bool

  public init(consumed: Int, output: [UInt8], isFinished: Bool) {
    self.consumed = consumed
    self.output = output
    self.isFinished = isFinished
  }
}

/// Raw deflate, by zlib's rules: one stream.
public protocol RawInflater: AnyObject {
  /// Unpacks what fits into `maxOutput` bytes. Asking for more input is no error. Throws for what is damaged.
  func step(_ input: ArraySlice<UInt8>, maxOutput: Int) throws -> InflateStep
}

public protocol UnpackingPort: AnyObject {
  func rawInflater() -> RawInflater
  /// False where the machine has no brotli: then no such patches are asked for.
  var hasBrotli: Bool { get }
  /// Everything that `packed` stands for; stops with an error before it is more than `sizeBytes`.
  func unpackBrotli(_ packed: [UInt8], sizeBytes: Int) throws -> [UInt8]
}

public struct Ports {
  public var files: FilesPort
  public var http: HttpPort
  public var crypto: CryptoPort
  public var clock: ClockPort
  public var host: HostPort
  public var unpacking: UnpackingPort
  /// Without it nothing is made of what the binary shipped with (Engine §5).
  public var embeddedFiles: EmbeddedFilesPort?
  /// Without it nothing that is encrypted is asked for.
  public var encryption: OpeningCrypto?
  let writer = Writer()

  public init(
    files: FilesPort, http: HttpPort, crypto: CryptoPort, clock: ClockPort, host: HostPort, unpacking: UnpackingPort,
    embeddedFiles: EmbeddedFilesPort? = nil, encryption: OpeningCrypto? = nil
  ) {
    self.files = files
    self.http = http
    self.crypto = crypto
    self.clock = clock
    self.host = host
    self.unpacking = unpacking
    self.embeddedFiles = embeddedFiles
    self.encryption = encryption
  }
}

/// Who writes into the app's folder. Where an app loads its code again without a new process, another engine takes it over.
final class Writer {
  private let lock = NSLock()
  private var endFormer: () -> Void = {}

  /// - Parameter end: called when the next one takes over; whoever was here before writes nothing any more
  func takeOver(_ end: @escaping () -> Void) {
    lock.lock()
    defer { lock.unlock() }
    endFormer()
    endFormer = end
  }
}
