/// Engine §4: when a statement says that it was signed, in milliseconds since 1970. Nil for every other way to write a
/// time than `2027-01-31T12:00:00.000Z`, whose fraction of one to three digits may be absent.
public func statementTime(_ statement: ReleaseStatement) -> Double? {
  timeOf(statement.createdAt)
}

func timeOf(_ text: String) -> Double? {
  let bytes = Array(text.utf8)
  guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), let fields = fieldsOf(bytes) else { return nil }
  let fraction = bytes[19..<bytes.count - 1]
  guard let ms = millisecondsOf(fraction) else { return nil }
  let (year, month, day) = (fields[0], fields[1], fields[2])
  let (hour, minute, second) = (fields[3], fields[4], fields[5])
  guard (1...12).contains(month), (1...daysOf(month, in: year)).contains(day) else { return nil }
  // Some have an hour 24, and not all read it alike.
  guard hour < 24, minute < 60, second < 60 else { return nil }
  let seconds = (daysSince1970(year, month, day) * 24 + hour) * 3600 + minute * 60 + second
  return Double(seconds * 1000 + ms)
}

/// Year, month, day, hour, minute and second, at their places.
private func fieldsOf(_ bytes: [UInt8]) -> [Int]? {
  for (place, separator) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")] {
    if bytes[place] != separator.utf8.first { return nil }
  }
  var fields: [Int] = []
  for (start, end) in [(0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19)] {
    guard let number = numberOf(bytes[start..<end]) else { return nil }
    fields.append(number)
  }
  return fields
}

private func millisecondsOf(_ fraction: ArraySlice<UInt8>) -> Int? {
  if fraction.isEmpty { return 0 }
  guard fraction.first == UInt8(ascii: "."), (2...4).contains(fraction.count) else { return nil }
  let scale = [100, 10, 1][fraction.count - 2]
  return numberOf(fraction.dropFirst()).map { $0 * scale }
}

private func numberOf(_ digits: ArraySlice<UInt8>) -> Int? {
  var number = 0
  for digit in digits {
    guard (0x30...0x39).contains(digit) else { return nil }
    number = number * 10 + Int(digit - 0x30)
  }
  return number
}

private func isLeap(_ year: Int) -> Bool {
  (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

private func daysOf(_ month: Int, in year: Int) -> Int {
  switch month {
  case 2: return isLeap(year) ? 29 : 28
  case 4, 6, 9, 11: return 30
  default: return 31
  }
}

/// By the calendar of today, also for years before there was one.
private func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
  let before = year - 1
  // Before year 1 all three round down as well.
  let leaps = floorDivide(before, 4) - floorDivide(before, 100) + floorDivide(before, 400)
  let months = (1..<month).reduce(0) { $0 + daysOf($1, in: year) }
  return before * 365 + leaps + months + day - 1 - 719_162
}

private func floorDivide(_ a: Int, _ b: Int) -> Int {
  a >= 0 ? a / b : -((-a + b - 1) / b)
}
