/// Milliseconds since 1970 as "2027-01-31T12:00:00.000Z". By hand: formatters of dates differ with systems and settings.
func timestamp(_ milliseconds: Int) -> String {
  let (days, left) = floorDivision(milliseconds, 86_400_000)
  let (year, month, day) = civilDate(days)
  let time = [(left / 3_600_000, 2), (left / 60_000 % 60, 2), (left / 1000 % 60, 2)]
  let date = [(year, 4), (month, 2), (day, 2)].map(padded).joined(separator: "-")
  return "\(date)T\(time.map(padded).joined(separator: ":")).\(padded(left % 1000, 3))Z"
}

private func padded(_ number: Int, _ digits: Int) -> String {
  let text = String(number)
  return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

private func floorDivision(_ number: Int, _ by: Int) -> (Int, Int) {
  let rest = ((number % by) + by) % by
  return ((number - rest) / by, rest)
}

/// Of days since 1970, in the calendar that everybody has now. Years are counted from March, so that a leap day is the
/// last of its year.
private func civilDate(_ days: Int) -> (year: Int, month: Int, day: Int) {
  let (era, dayOfEra) = floorDivision(days + 719_468, 146_097)
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let month = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * month + 2) / 5 + 1
  let isNextYear = month >= 10
  return (yearOfEra + era * 400 + (isNextYear ? 1 : 0), isNextYear ? month - 9 : month + 3, day)
}
