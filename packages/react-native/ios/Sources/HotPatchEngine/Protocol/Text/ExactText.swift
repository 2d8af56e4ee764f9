/// Text that is the same only when its bytes are. Swift takes two strings for equal when they look alike, and the
/// protocol does not: "K" and the Kelvin sign are two keys, and "é" may be written in two ways that are two paths.
public struct ExactText: Hashable {
  public let text: String

  public init(_ text: String) {
    self.text = text
  }

  public static func == (a: ExactText, b: ExactText) -> Bool {
    isSameText(a.text, b.text)
  }

  public func hash(into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
    hasher.combine(text.utf8.count)
  }
}

public func isSameText(_ a: String, _ b: String) -> Bool {
  a.utf8.elementsEqual(b.utf8)
}

/// Of texts that may be absent: two that are absent are the same.
public func isSameText(_ a: String?, _ b: String?) -> Bool {
  guard let a, let b else { return a == nil && b == nil }
  return a.utf8.elementsEqual(b.utf8)
}
