/// The parts of an address, read as every SDK reads them and not by URL: "@" is refused, as "http://localhost@example.com"
/// is not localhost; a backslash is a slash to some readers.
private struct Address {
  let isHttps: Bool
  let host: String
  let scheme: String

  init?(_ url: String) {
    var rest = Array(url.unicodeScalars)
    let scheme = String(String.UnicodeScalarView(rest.prefix { $0 != ":" }))
    guard ["http", "https"].contains(where: { isSameText($0, lowercased(scheme)) }) else { return nil }
    rest.removeFirst(scheme.unicodeScalars.count)
    guard rest.count > 3, rest.prefix(3).elementsEqual("://".unicodeScalars) else { return nil }
    rest.removeFirst(3)
    if rest.contains(where: { $0 == "\\" || isSpace($0) }) { return nil }
    let host = rest.prefix { !"/?#".unicodeScalars.contains($0) }
    guard !host.isEmpty, !host.contains("@") else { return nil }
    self.scheme = scheme
    isHttps = isSameText(lowercased(scheme), "https")
    self.host = String(String.UnicodeScalarView(host))
  }
}

private func lowercased(_ text: String) -> String {
  String(decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5a ? $0 + 0x20 : $0 }, as: UTF8.self)
}

/// What "\s" stands for in the other engines.
private func isSpace(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09...0x0d, 0x20, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff: return true
  default: return false
  }
}

/// Only https:, unless the app allows this address in the clear.
public func isAllowedAddress(_ url: String, _ allowInsecure: AllowInsecure) -> Bool {
  guard let address = Address(url) else { return false }
  if address.isHttps || allowInsecure == .anywhere { return true }
  return allowInsecure == .loopback && isLoopback(address.host)
}

private func isLoopback(_ host: String) -> Bool {
  var name = Array(lowercased(host).utf8)
  if let port = name.lastIndex(of: UInt8(ascii: ":")), !name[(port + 1)...].isEmpty,
    name[(port + 1)...].allSatisfy(isDigit)
  {
    name.removeSubrange(port...)
  }
  if name == Array("localhost".utf8) || name == Array("[::1]".utf8) { return true }
  let parts = name.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  return parts.count == 4 && parts[0].elementsEqual("127".utf8)
    && parts.dropFirst().allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(isDigit) }
}

private func isDigit(_ byte: UInt8) -> Bool {
  byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}

/// Where a redirect leads: an absolute address, or a path on the same host. Nil for anything else.
func resolveLocation(_ from: String, _ location: String?) -> String? {
  guard let location, !location.isEmpty, let address = Address(from) else { return nil }
  if Address(location) != nil { return location }
  if location.utf8.starts(with: "//".utf8) { return "\(address.scheme):\(location)" }
  return location.utf8.first == UInt8(ascii: "/") ? "\(address.scheme)://\(address.host)\(location)" : nil
}

private let plain = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()".utf8)
private let hexDigits = Array("0123456789ABCDEF".utf8)

/// One name within a path, as `encodeURIComponent` writes it.
func encodePathSegment(_ text: String) -> String {
  let written = text.utf8.flatMap { byte in
    plain.contains(byte) ? [byte] : [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
  }
  return String(decoding: written, as: UTF8.self)
}

/// What lies below an address is written behind one slash.
func withoutSlashes(_ url: String) -> String {
  let slashes = url.utf8.reversed().prefix { $0 == UInt8(ascii: "/") }.count
  return String(decoding: url.utf8.dropLast(slashes), as: UTF8.self)
}
