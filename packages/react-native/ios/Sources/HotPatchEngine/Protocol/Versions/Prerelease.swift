/// Semver §9: one field of a pre-release. Numbers of more than 15 digits stay text, as JavaScript would lose digits.
enum PrereleaseField: Equatable {
  case number(Int)
  case text(String)

  var isNumeric: Bool {
    switch self {
    case .number: return true
    case .text(let text): return isDigits(text)
    }
  }

  var text: String {
    switch self {
    case .number(let number): return String(number)
    case .text(let text): return text
    }
  }
}

func parsePrerelease(_ text: Substring) -> [PrereleaseField] {
  text.split(separator: ".", omittingEmptySubsequences: false).map { part in
    guard isDigits(part) else { return .text(String(part)) }
    // Only lenient versions have leading zeros (Versions §2).
    let digits = String(part.drop { $0 == "0" })
    if digits.isEmpty { return .number(0) }
    return digits.count <= 15 ? .number(Int(digits) ?? 0) : .text(digits)
  }
}

/// Semver §11.3–11.4: a release comes after its pre-releases; numbers before words; fewer fields before more.
func comparePrereleases(_ a: [PrereleaseField], _ b: [PrereleaseField]) -> Int {
  if a.isEmpty || b.isEmpty { return b.count - a.count }
  for (left, right) in zip(a, b) where left != right { return compareFields(left, right) }
  return a.count - b.count
}

private func compareFields(_ a: PrereleaseField, _ b: PrereleaseField) -> Int {
  if case .number(let left) = a, case .number(let right) = b { return left - right }
  if a.isNumeric != b.isNumeric { return a.isNumeric ? -1 : 1 }
  // Without leading zeros, the longer number is the larger one.
  if a.isNumeric, a.text.utf8.count != b.text.utf8.count { return a.text.utf8.count - b.text.utf8.count }
  return a.text.utf8.lexicographicallyPrecedes(b.text.utf8) ? -1 : 1
}

