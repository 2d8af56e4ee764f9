import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

/// Which keys the certificates of a host must have: "updates.example.com=sha256/" and the base64 of the SHA-256 of a
/// public key (SPKI). "*.example.com" stands for one name before it. Of several of one host any will do.
public struct CertificatePins {
  public struct NotAPinError: Error, CustomStringConvertible {
    public let description: String
  }

  private var pins: [(host: String, sha256: [UInt8])] = []

  public init() {}

  /// - Throws: NotAPinError, saying which
  public init(_ texts: [String]) throws {
    pins = try texts.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      let start = "sha256/"
      guard parts.count == 2, isHost(parts[0]), parts[1].hasPrefix(start),
        let sha256 = bytesFromBase64(String(parts[1].dropFirst(start.count))), sha256.count == 32
      else {
        let expected = "a host, \"=sha256/\" and the base64 of 32 bytes"
        throw NotAPinError(description: "pins: expected \(expected), found \"\(text.prefix(200))\"")
      }
      return (parts[0].lowercased(), sha256)
    }
  }

  /// Empty: any that the system trusts.
  func of(_ host: String) -> [[UInt8]] {
    let name = host.lowercased()
    return pins.filter { isFor($0.host, name) }.map(\.sha256)
  }
}

private func isFor(_ pattern: String, _ host: String) -> Bool {
  guard pattern.hasPrefix("*.") else { return pattern == host }
  guard let dot = host.firstIndex(of: ".") else { return false }
  return host[dot...] == pattern.dropFirst()
}

private func isHost(_ text: String) -> Bool {
  let name = text.hasPrefix("*.") ? text.dropFirst(2) : Substring(text)
  let names = name.split(separator: ".", omittingEmptySubsequences: false)
  return names.allSatisfy { part in
    !part.isEmpty && part.utf8.allSatisfy { $0 < 0x80 && (Character(Unicode.Scalar($0)).isLetter || $0 == 0x2d || (0x30...0x39).contains($0)) }
  }
}
