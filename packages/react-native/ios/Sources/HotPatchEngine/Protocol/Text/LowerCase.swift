/// As JavaScript's toLowerCase() has it: Swift's own writes the last sigma of a word like all others.
func lowerCase(_ text: String) -> String {
  if !text.unicodeScalars.contains(capitalSigma) { return text.lowercased() }
  let scalars = Array(text.unicodeScalars)
  var lower = ""
  for (index, scalar) in scalars.enumerated() {
    if scalar == capitalSigma, isLastOfWord(index, in: scalars) {
      lower.unicodeScalars.append(finalSigma)
    } else {
      lower += scalar.properties.lowercaseMapping
    }
  }
  return lower
}

private let capitalSigma: Unicode.Scalar = "\u{3a3}"
private let finalSigma: Unicode.Scalar = "\u{3c2}"

/// Unicode's Final_Sigma: a letter before it, and none behind, with what counts for nothing between them.
private func isLastOfWord(_ index: Int, in scalars: [Unicode.Scalar]) -> Bool {
  let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
  let behind = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
  return before?.properties.isCased == true && behind?.properties.isCased != true
}
