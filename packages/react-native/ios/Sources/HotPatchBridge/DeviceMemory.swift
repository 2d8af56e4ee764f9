import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

private let folder = "device"
private let identity = "device/identity"
private let channelFile = "device/channel"

/// What a device remembers that is no update: it lies beside `ota/`, and no backup takes it to another phone.
public final class DeviceMemory {
  private let files: FilesPort
  private let lock = NSLock()
  private var chosen: String?

  /// Random, and the same until the app is removed. Where it cannot be kept it is one for this process.
  public let deviceId: String

  public init(_ files: FilesPort, _ crypto: CryptoPort) {
    self.files = files
    chosen = readText(files, channelFile).flatMap { isChannel($0) ? $0 : nil }
    if let known = readText(files, identity), isUuid(known) {
      deviceId = known
    } else {
      deviceId = crypto.randomUuid()
      // Updates go on without it; the server sees one more device.
      try? write(identity, deviceId)
    }
  }

  /// The one that was chosen here, if one was.
  public var channel: String? {
    lock.lock()
    defer { lock.unlock() }
    return chosen
  }

  /// Nil forgets it. Throws when it cannot be remembered.
  public func chooseChannel(_ channel: String?) throws {
    lock.lock()
    defer { lock.unlock() }
    if let channel {
      try write(channelFile, channel)
    } else if try files.stat(channelFile) != nil {
      try files.remove(channelFile)
      try files.syncDirectory(folder)
    }
    chosen = channel
  }

  private func write(_ path: String, _ text: String) throws {
    try files.makeDirectory(folder)
    try files.syncDirectory("")
    try files.write("\(path).tmp", utf8FromText(text))
    try files.rename("\(path).tmp", to: path)
    try files.syncDirectory(folder)
  }
}

/// As much as a server takes; which channels there are it knows itself.
func isChannel(_ text: String) -> Bool {
  isShortText(text)
}

func isShortText(_ text: String) -> Bool {
  (1...200).contains(text.utf16.count) && !text.utf8.contains(0)
}

/// What cannot be read is as good as absent.
private func readText(_ files: FilesPort, _ path: String) -> String? {
  guard let bytes = try? files.read(path) else { return nil }
  return textFromUtf8(bytes)
}

private func isUuid(_ text: String) -> Bool {
  let places = [8, 13, 18, 23]
  return text.utf8.count == 36
    && text.utf8.enumerated().allSatisfy { index, byte in
      places.contains(index) ? byte == UInt8(ascii: "-") : "0123456789abcdef".utf8.contains(byte)
    }
}
