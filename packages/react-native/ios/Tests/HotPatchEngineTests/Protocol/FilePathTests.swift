import HotPatchPorts
import XCTest

@testable import HotPatchEngine

/// vectors/file-paths.json and vectors/trees.json.
final class FilePathTests: XCTestCase {
  func testPaths() throws {
    let vectors = try VectorFile("file-paths").json
    try vectors.each("paths") { each in
      // Half a character comes from a vector as nothing that Swift could have as text.
      let fault = filePathFault(try each.text("path"))
      XCTAssertEqual(fault?.rule.rawValue, try each["fault"].map { try readString($0.value, $0.place) }, "\(each)")
    }
    try vectors.each("conflicts") { each in
      let found = findPathConflict(try each.get("paths").texts)
      XCTAssertEqual(found?.kind.rawValue, try each["conflict"].map { try readString($0.value, $0.place) }, "\(each)")
    }
  }

  func testTrees() throws {
    try VectorFile("trees").json.each("trees") { each in
      let files = try each.get("files").items.map {
        TreeFile(path: try $0.text("path"), sha256: try $0.text("sha256"), sizeBytes: try $0.number("sizeBytes"))
      }
      XCTAssertTrue(isSameText(treeLines(files).joined(), try each.text("text")), "\(each)")
      let hasher = SystemCrypto().sha256()
      for line in treeLines(files.reversed()) { hasher.update(utf8FromText(line)) }
      XCTAssertEqual(hexFromBytes(hasher.digest()), try each.text("sha256"), "\(each)")
    }
  }
}
