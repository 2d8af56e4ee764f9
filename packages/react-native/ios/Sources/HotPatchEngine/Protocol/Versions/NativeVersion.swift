/// Versions §2: what app stores and operating systems call a version: "1", "2.0", "1.2.3.4", "1.2.3-rc.1", "1.2.3+45".
/// Missing parts are zero; `build` is nil when the text names none.
public struct NativeVersion: Equatable {
  var parts: [Int]
  var prerelease: [PrereleaseField]
  var build: Int?
}

/// Nil when `text` is no version at all, is longer than 64 characters, or has a part of more than 15 digits.
public func parseNativeVersion(_ text: String) -> NativeVersion? {
  if text.utf16.count > 64 { return nil }
  var rest = Substring(trimmed(text))
  guard rest.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
  if rest.first == "v" { rest = rest.dropFirst() }
  let (beforeBuild, buildText) = cut(rest, at: UInt8(ascii: "+"))
  let (dotted, prereleaseText) = cut(beforeBuild, at: UInt8(ascii: "-"))
  if let buildText, !isWord(buildText, with: ".-") { return nil }
  if let prereleaseText, !isPrerelease(prereleaseText) { return nil }
  let parts = dotted.split(separator: ".", omittingEmptySubsequences: false)
  guard parts.count <= 4, parts.allSatisfy({ isNumber($0) }) else { return nil }
  return NativeVersion(
    parts: parts.compactMap { Int($0) },
    prerelease: prereleaseText.map(parsePrerelease) ?? [],
    build: buildText.flatMap { isNumber($0) ? Int($0) : nil }
  )
}

/// Versions §3: strictly MAJOR.MINOR.PATCH with an optional +BUILD number, as whole app binaries carry it.
public func parseBinaryVersion(_ text: String) -> NativeVersion? {
  let (dotted, build) = cut(Substring(text), at: UInt8(ascii: "+"))
  let parts = dotted.split(separator: ".", omittingEmptySubsequences: false)
  let isOne = parts.count == 3 && parts.allSatisfy { isNumber($0) && ($0.utf8.count == 1 || $0.utf8.first != 0x30) }
  guard isOne, build.map({ isNumber($0) }) ?? true else { return nil }
  return parseNativeVersion(text)
}

/// Negative when `a` comes first, 0 when equal, positive when `b` comes first.
/// Versions §3: the build number decides last, and a missing one counts as 0.
public func compareNativeVersions(_ a: NativeVersion, _ b: NativeVersion) -> Int {
  let order = compareIgnoringBuild(a, b)
  return order != 0 ? order : (a.build ?? 0) - (b.build ?? 0)
}

/// As `compareNativeVersions`, but a bound that names no build number accepts every build (Versions §4).
func compareWithBound(_ version: NativeVersion, _ bound: NativeVersion) -> Int {
  bound.build == nil ? compareIgnoringBuild(version, bound) : compareNativeVersions(version, bound)
}

/// What two builds of the same version are equal by.
func compareIgnoringBuild(_ a: NativeVersion, _ b: NativeVersion) -> Int {
  for index in 0..<max(a.parts.count, b.parts.count) {
    let left = index < a.parts.count ? a.parts[index] : 0
    let right = index < b.parts.count ? b.parts[index] : 0
    if left != right { return left - right }
  }
  return comparePrereleases(a.prerelease, b.prerelease)
}

/// Fields of digits, letters and hyphens; leading zeros are allowed.
private func isPrerelease(_ text: Substring) -> Bool {
  text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { isWord($0, with: "-") }
}

/// What is before the first of these characters, and what behind it.
func cut(_ text: Substring, at character: UInt8) -> (Substring, Substring?) {
  guard let place = text.utf8.firstIndex(of: character) else { return (text, nil) }
  return (text[..<place], text[text.utf8.index(after: place)...])
}
