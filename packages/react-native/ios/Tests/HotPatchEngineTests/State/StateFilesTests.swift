import XCTest

@testable import HotPatchEngine

/// vectors/engine/state-files.json: what is made of the engine's own files, damaged, older and newer ones.
final class StateFilesTests: XCTestCase {
  func testMetadata() throws {
    try each("metadata", "ota/a") { try readJsonFile($0, "ota/a", readStoredState).map(writeStoredState) }
  }

  func testCrashCount() throws {
    try each("crashCount", StorageLayout.crashCount) { disk in
      try readStartCount(disk).map { count in
        jsonObject([
          ("releaseId", .string(count.releaseId)), ("standing", .string(count.standing.rawValue)),
          ("starts", jsonNumber(count.starts)), ("hasCrashed", .boolean(count.hasCrashed)),
          ("isReady", .boolean(count.isReady)),
        ])
      }
    }
  }

  func testReports() throws {
    try each("reports", "ota/a") { disk in
      try readJsonFile(disk, "ota/a") { try readReports($0, "") }.map(writeReports)
    }
  }

  func testMarkers() throws {
    try each("markers", "\(Slot.bundle.path)/\(StorageLayout.marker)") { disk in
      try readTree(disk, Slot.bundle.path).map { tree in
        jsonObject([("sha256", .string(tree.sha256)), ("files", writeReleaseFiles(tree.files))])
      }
    }
  }

  /// What lies at the path, and what is read of it; null: as good as absent.
  private func each(_ name: String, _ path: String, _ read: (MemoryFiles) throws -> JsonValue?) throws {
    try VectorFile("engine/state-files").json.each(name) { file in
      let disk = MemoryFiles()
      try disk.makeDirectory(Slot.bundle.path)
      let isText = file["text"] != nil
      try disk.write(path, isText ? Array(file.text("text").utf8) : file.base64("base64"))
      let difference = firstDifference(try read(disk) ?? .null, file["reads"]?.value ?? .null)
      XCTAssertNil(difference, "\(file)")
    }
  }
}
