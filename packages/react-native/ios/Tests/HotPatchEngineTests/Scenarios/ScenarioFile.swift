import Foundation
import XCTest

@testable import HotPatchEngine

/// vectors/README.md, "Scenarios" and "Stories": what both kinds of files have, read as it is needed.
struct ScenarioFile {
  let json: JsonObject
  private let bodies = Bodies()

  private final class Bodies {
    var known: [String: [UInt8]] = [:]
  }

  init(_ path: URL) throws {
    let bytes = Array(try Data(contentsOf: path))
    json = try readObject(try XCTUnwrap(jsonFromUtf8(bytes), "\(path.lastPathComponent) is JSON"), "")
  }

  /// All of a folder of vectors/engine; there is at least one.
  static func all(in folder: String) throws -> [(name: String, file: ScenarioFile)] {
    let folder = vectorsFolder().appendingPathComponent("engine/\(folder)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
    XCTAssertFalse(names.isEmpty, "\(folder.path) is empty")
    return try names.sorted().map { ($0, try ScenarioFile(folder.appendingPathComponent($0))) }
  }

  var device: JsonObject { get throws { try readObject(json["device"], "/device") } }

  func bytesOf(_ name: String) throws -> [UInt8] {
    if let known = bodies.known[name] { return known }
    let body = try readObject(readObject(json["bodies"], "/bodies")[name], "/bodies/\(name)")
    let bytes = try bytesOfBody(body, name)
    bodies.known[name] = bytes
    return bytes
  }

  /// Path to bytes.
  func filesOf(_ value: JsonValue?, _ pointer: String) throws -> [(path: String, bytes: [UInt8])] {
    try readObject(value, pointer).fields.map { ($0.name, try bytesOf(readString($0.value, "\(pointer)/\($0.name)"))) }
  }

  func filesOfRelease(_ releaseId: String) throws -> [ExactText: [UInt8]] {
    let release = try readObject(json["releases"], "/releases")[releaseId]
    var files: [ExactText: [UInt8]] = [:]
    for (path, bytes) in try filesOf(release, "/releases/\(releaseId)") { files[ExactText(path)] = bytes }
    return files
  }
}

/// Sources are at the same place in every checkout; where a test runs is not.
func vectorsFolder() -> URL {
  var folder = URL(fileURLWithPath: #filePath)
  for _ in 0..<7 { folder.deleteLastPathComponent() }
  return folder.appendingPathComponent("vectors")
}

private func bytesOfBody(_ body: JsonObject, _ name: String) throws -> [UInt8] {
  if let json = body["json"] { return Array(writeJson(json).utf8) }
  if let text = body["text"] { return Array(try readString(text, name).utf8) }
  if let zeros = body["zeros"] { return [UInt8](repeating: 0, count: try readInteger(zeros, name, minimum: 0)) }
  return try XCTUnwrap(bytesFromBase64(readString(body["base64"], name)), "\(name) is base64")
}
