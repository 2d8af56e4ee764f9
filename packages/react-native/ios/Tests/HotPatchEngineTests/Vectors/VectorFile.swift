import Foundation
import XCTest

@testable import HotPatchEngine

/// A file of vectors/, of which every test reads all. Its accessors fail where the file is not as the test has it, so
/// that a vector of a new form is seen.
struct VectorFile {
  let json: Vector

  init(_ name: String) throws {
    // Sources are at the same place in every checkout; where a test runs is not.
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<7 { folder.deleteLastPathComponent() }
    let bytes = try Data(contentsOf: folder.appendingPathComponent("vectors/\(name).json"))
    json = Vector(try XCTUnwrap(jsonFromUtf8(Array(bytes)), "\(name) is JSON"), "\(name).json")
  }
}

struct Vector {
  let value: JsonValue
  let place: String

  init(_ value: JsonValue, _ place: String) {
    self.value = value
    self.place = place
  }

  /// Nil when it is absent or null.
  subscript(name: String) -> Vector? {
    guard case .object(let object) = value, let found = object[name], found != .null else { return nil }
    return Vector(found, "\(place)/\(name)")
  }

  func get(_ name: String) throws -> Vector {
    try XCTUnwrap(self[name], "\(place) has no \(name)")
  }

  func text(_ name: String) throws -> String { try readString(get(name).value, "\(place)/\(name)") }
  func number(_ name: String) throws -> Int { try readInteger(get(name).value, "\(place)/\(name)", minimum: .min) }
  func boolean(_ name: String) throws -> Bool { try readBoolean(get(name).value, "\(place)/\(name)") }
  func base64(_ name: String) throws -> [UInt8] {
    let text = try text(name)
    return try XCTUnwrap(bytesFromBase64(text), "\(place)/\(name) is base64")
  }
  func hex(_ name: String) throws -> [UInt8] {
    let text = try text(name)
    return try XCTUnwrap(bytesFromHex(text), "\(place)/\(name) is hex")
  }

  var texts: [String] { get throws { try items.map { try readString($0.value, $0.place) } } }

  var items: [Vector] {
    get throws {
      try readArray(value, place, maxLength: .max).enumerated().map { Vector($1, "\(place)/\($0)") }
    }
  }

  var fields: [(name: String, value: Vector)] {
    get throws { try readObject(value, place).fields.map { ($0.name, Vector($0.value, "\(place)/\($0.name)")) } }
  }

  /// Each case of a list, of which there is at least one. What it throws fails the test, and the others go on.
  func each(_ name: String, file: StaticString = #filePath, line: UInt = #line, _ check: (Vector) throws -> Void) throws {
    let cases = try get(name).items
    XCTAssertFalse(cases.isEmpty, "\(place)/\(name) is empty", file: file, line: line)
    for each in cases {
      do { try check(each) } catch { XCTFail("\(each): \(error)", file: file, line: line) }
    }
  }
}

extension Vector: CustomStringConvertible {
  var description: String {
    guard let comment = try? text("comment") else { return place }
    return "\(place): \(comment)"
  }
}
