/// Hot-updater §5: its clients fall into as many.
private let cohorts = 1_000
private let maxDigits = 64

/// A number from 1 on; nil for any other text.
func readNumericCohort(_ text: String) -> Int? {
  guard isDigits(text), text.utf8.count <= maxDigits else { return nil }
  let digits = text.drop { $0 == "0" }
  guard digits.utf8.count <= 4, let number = Int(digits), (1...cohorts).contains(number) else { return nil }
  return number
}

/// Into which one a device falls that has this id.
func numericCohortOf(_ id: String) -> Int {
  modulo(hash31(id), cohorts) + 1
}

/// Hot-updater §5: in which order cohorts get a release, 0 … 999. Each comes once: place = (cohort − 1 − offset) ÷
/// multiplier, modulo 1,000.
func placeOfCohort(_ salt: String, _ cohort: Int) -> Int {
  let offset = modulo(hash31("\(salt):offset"), cohorts)
  return modulo(inverseOf(multiplierOf(salt)) * (cohort - 1 - offset), cohorts)
}

/// Has no factor in common with 1,000, so that it can be divided by.
private func multiplierOf(_ salt: String) -> Int {
  var multiplier = orOne(modulo(hash31("\(salt):multiplier"), 997))
  while multiplier % 2 == 0 || multiplier % 5 == 0 { multiplier = orOne(modulo(multiplier + 1, cohorts)) }
  return multiplier
}

private func orOne(_ value: Int) -> Int {
  value == 0 ? 1 : value
}

/// Euclid's algorithm, which has an end as the two have no factor in common.
private func inverseOf(_ multiplier: Int) -> Int {
  var (inverse, next) = (0, 1)
  var (rest, remainder) = (cohorts, multiplier)
  while remainder != 0 {
    let quotient = rest / remainder
    (inverse, next) = (next, inverse - quotient * next)
    (rest, remainder) = (remainder, rest - quotient * remainder)
  }
  return modulo(inverse, cohorts)
}

/// Java's hash of a text: signed, over UTF-16.
private func hash31(_ text: String) -> Int {
  var hash: Int32 = 0
  for unit in text.utf16 { hash = hash &* 31 &+ Int32(unit) }
  return Int(hash)
}

private func modulo(_ value: Int, _ modulus: Int) -> Int {
  ((value % modulus) + modulus) % modulus
}
