/// Versions §4: which native versions a release runs on, in the notation of npm ranges:
/// `>=1.2 <3`, `^1.4.0`, `~2.1`, `1.x`, `1.2 - 2.3`, joined by `||`.
/// Unlike npm, a pre-release is compared like any other version.
public struct NativeRange {
  /// Any one of these must hold; within one, every bound.
  let alternatives: [[Bound]]

  struct Bound {
    enum Operator { case below, atMost, above, atLeast, exactly }

    let `operator`: Operator
    let version: NativeVersion
  }
}

private typealias Bound = NativeRange.Bound
private let maxBounds = 64

/// Nil when `text` is not a range, is longer than 256 characters, or has an alternative of more than 64 bounds.
public func parseNativeRange(_ text: String) -> NativeRange? {
  if text.utf16.count > 256 { return nil }
  var alternatives: [[Bound]] = []
  for alternative in splitAlternatives(text) {
    guard let bounds = parseAlternative(alternative), bounds.count <= maxBounds else { return nil }
    alternatives.append(bounds)
  }
  return NativeRange(alternatives: alternatives)
}

public func isInNativeRange(_ version: NativeVersion, _ range: NativeRange) -> Bool {
  range.alternatives.contains { $0.allSatisfy { isWithin(version, $0) } }
}

private func isWithin(_ version: NativeVersion, _ bound: Bound) -> Bool {
  let order = compareWithBound(version, bound.version)
  switch bound.operator {
  case .below: return order < 0
  case .atMost: return order <= 0
  case .above: return order > 0
  case .atLeast: return order >= 0
  case .exactly: return order == 0
  }
}

private func splitAlternatives(_ text: String) -> [String] {
  var alternatives: [[Unicode.Scalar]] = [[]]
  var isOpen = false
  for scalar in text.unicodeScalars {
    alternatives[alternatives.count - 1].append(scalar)
    guard scalar == "|" else {
      isOpen = false
      continue
    }
    if isOpen {
      alternatives[alternatives.count - 1].removeLast(2)
      alternatives.append([])
    }
    isOpen.toggle()
  }
  return alternatives.map { String(String.UnicodeScalarView($0)) }
}

private func parseAlternative(_ text: String) -> [Bound]? {
  let found = words(text)
  if found.count == 3, found[1] == "-" {
    guard let from = parseComparator(">=" + found[0]), let to = parseComparator("<=" + found[2]) else { return nil }
    return from + to
  }
  if found.isEmpty { return nil }
  var bounds: [Bound] = []
  for word in joinOperators(found) {
    guard let parsed = parseComparator(word) else { return nil }
    bounds += parsed
  }
  return bounds
}

/// ">= 1.0" is common: joins an operator with the version that follows it. "> = 1" is a slip, and stays one.
private func joinOperators(_ words: [String]) -> [String] {
  var joined: [String] = []
  for word in words {
    let isVersion = word.utf8.first.map { "vxX*0123456789".utf8.contains($0) } ?? false
    if isVersion, let last = joined.last?.utf8.last, "<>=^~".utf8.contains(last) {
      joined[joined.count - 1] += word
    } else {
      joined.append(word)
    }
  }
  return joined
}

private let operators = ["<=", ">=", "<", ">", "=", "^", "~"]

private func parseComparator(_ word: String) -> [Bound]? {
  guard word.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
  let sign = operators.first { word.hasPrefix($0) } ?? ""
  var rest = Substring(word).dropFirst(sign.count)
  if rest.first == "v" { rest = rest.dropFirst() }
  let (beforeBuild, build) = cut(rest, at: UInt8(ascii: "+"))
  let (dotted, prerelease) = cut(beforeBuild, at: UInt8(ascii: "-"))
  if let build, !isNumber(build) { return nil }
  if let prerelease, !isWord(prerelease, with: ".-") { return nil }
  let written = dotted.split(separator: ".", omittingEmptySubsequences: false)
  guard written.count <= 4, written.allSatisfy({ isNumber($0) || isWildcard($0) }) else { return nil }
  let parts = written.prefix { isNumber($0) }.compactMap { Int($0) }
  // "1.x.3" means nothing; read as "1.x" it would mean more than was written.
  if written.dropFirst(parts.count).contains(where: { isNumber($0) }) { return nil }
  let isPartial = written.count > parts.count || parts.count < 3
  let suffix = rest.dropFirst(dotted.count)
  if !suffix.isEmpty, isPartial { return nil }
  if parts.isEmpty { return sign == "<" || sign == ">" ? nil : [] }
  return expand(sign, parts, String(suffix), isPartial: isPartial)
}

private func isWildcard(_ part: Substring) -> Bool {
  part == "x" || part == "X" || part == "*"
}

/// Npm's rules for partial versions, tilde and caret, as plain bounds.
private func expand(_ sign: String, _ parts: [Int], _ suffix: String, isPartial: Bool) -> [Bound]? {
  let text = parts.map { String($0) }.joined(separator: ".") + suffix
  guard let low = parseNativeVersion(text) else { return nil }
  let afterLast = versionAfter(parts, parts.count - 1)
  switch sign {
  case "^":
    let firstNonZero = parts.firstIndex { $0 > 0 } ?? parts.count - 1
    return [atLeast(low), below(versionAfter(parts, firstNonZero))]
  case "~":
    return [atLeast(low), below(versionAfter(parts, min(1, parts.count - 1)))]
  case ">":
    return [isPartial ? atLeast(afterLast) : Bound(operator: .above, version: low)]
  case "<=":
    return [isPartial ? below(afterLast) : Bound(operator: .atMost, version: low)]
  case "<":
    return [isPartial ? below(low) : Bound(operator: .below, version: low)]
  case ">=":
    return [atLeast(low)]
  default:
    return isPartial ? [atLeast(low), below(afterLast)] : [Bound(operator: .exactly, version: low)]
  }
}

private func versionAfter(_ parts: [Int], _ index: Int) -> NativeVersion {
  var raised = Array(parts.prefix(index + 1))
  raised[index] += 1
  return NativeVersion(parts: raised, prerelease: [], build: nil)
}

private func atLeast(_ bound: NativeVersion) -> Bound {
  Bound(operator: .atLeast, version: bound)
}

/// `-0` is the lowest pre-release, so that 2.0.0-beta is not "below 2".
private func below(_ bound: NativeVersion) -> Bound {
  var lowest = bound
  if lowest.prerelease.isEmpty { lowest.prerelease = [.number(0)] }
  return Bound(operator: .below, version: lowest)
}
