/// Of ASCII: begins with a letter or a digit of `letters`, and goes on with those or `others`.
func isName(_ text: String, letters: (UInt8) -> Bool, with others: StaticString, maxLength: Int) -> Bool {
  guard let first = text.utf8.first, letters(first), text.utf8.count <= maxLength else { return false }
  return text.utf8.allSatisfy { byte in letters(byte) || others.withUTF8Buffer { $0.contains(byte) } }
}

func isLowerCaseWord(_ byte: UInt8) -> Bool {
  (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
}

func isAnyWord(_ byte: UInt8) -> Bool {
  isLowerCaseWord(byte) || (0x41...0x5a).contains(byte)
}

func isWord<Text: StringProtocol>(_ text: Text, with others: StaticString) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy { byte in isAnyWord(byte) || others.withUTF8Buffer { $0.contains(byte) } }
}

func isDigits<Text: StringProtocol>(_ text: Text) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
}

/// Up to 15 digits: what JavaScript counts exactly.
func isNumber<Text: StringProtocol>(_ text: Text) -> Bool {
  isDigits(text) && text.utf8.count <= 15
}
