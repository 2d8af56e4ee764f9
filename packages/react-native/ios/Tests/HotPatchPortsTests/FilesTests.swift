import Foundation
import HotPatchEngine
import XCTest

@testable import HotPatchPorts

final class FilesTests: XCTestCase {
  private let root = FileManager.default.temporaryDirectory.appendingPathComponent("hotpatch-\(UUID().uuidString)").path
  private lazy var files = SystemFiles("\(root)/deep/app")

  override func tearDown() {
    try? FileManager.default.removeItem(atPath: root)
  }

  func testWhatIsNotThere() throws {
    XCTAssertNil(try files.read("ota/none"))
    XCTAssertNil(try files.stat("ota/none"))
    try files.remove("ota/none")
    XCTAssertThrowsError(try files.readRange("ota/none", offset: 0, length: 1))
    XCTAssertThrowsError(try files.write("ota/none", [1]))
    XCTAssertThrowsError(try files.rename("ota/none", to: "ota/other"))
    // Before anything was written there is no disk to ask.
    XCTAssertNil(try files.freeBytes())
  }

  func testWrittenReadAndCut() throws {
    try files.makeDirectory("ota/größe")
    try files.makeDirectory("ota/größe")
    try files.write("ota/größe/a", [1, 2, 3])
    try files.append("ota/größe/a", offset: 2, [9, 9])
    XCTAssertEqual(try files.read("ota/größe/a"), [1, 2, 9, 9])
    try files.append("ota/größe/a", offset: 1, [7])
    XCTAssertEqual(try files.read("ota/größe/a"), [1, 7])
    XCTAssertEqual(try files.readRange("ota/größe/a", offset: 1, length: 10), [7])
    XCTAssertEqual(try files.readRange("ota/größe/a", offset: 5, length: 10), [])
    try files.write("ota/größe/a", [])
    XCTAssertEqual(try files.read("ota/größe/a"), [])
    XCTAssertEqual(try files.stat("ota/größe/a"), FileStat(kind: .file, sizeBytes: 0))
    try files.sync("ota/größe/a")
    for path in ["", "ota", "ota/größe"] { try files.syncDirectory(path) }
    XCTAssertGreaterThan(try XCTUnwrap(try files.freeBytes()), 0)
  }

  func testWhatADamagedDiskTellsOfASizeEndsNoProcess() throws {
    try files.makeDirectory("ota")
    // Of these the disk has one byte.
    try files.append("ota/metadata.json", offset: 1 << 40, [1])
    XCTAssertThrowsError(try files.read("ota/metadata.json"))
    let ports = Ports(
      files: files, http: UrlSessionHttp(), crypto: SystemCrypto(), clock: SystemClock(),
      host: HostPort(nativeVersion: "1.0", platform: "ios"), unpacking: SystemUnpacking())
    XCTAssertEqual(Engine(ports).start(), .embedded)
  }

  func testRenamedAndRemoved() throws {
    try files.makeDirectory("ota/bundle/deep")
    try files.write("ota/bundle/deep/a", [1])
    try files.write("ota/b", [2])
    try files.rename("ota/bundle", to: "ota/previous")
    XCTAssertEqual(try files.read("ota/previous/deep/a"), [1])
    try files.write("ota/c", [3])
    try files.rename("ota/c", to: "ota/b")
    XCTAssertEqual(try files.read("ota/b"), [3])
    try files.remove("ota/previous")
    XCTAssertNil(try files.stat("ota/previous"))
  }

  func testALinkIsNeverFollowed() throws {
    try files.makeDirectory("ota")
    try files.makeDirectory("outside")
    try files.write("outside/kept", [1])
    try FileManager.default.createSymbolicLink(
      atPath: files.locate("ota/link"), withDestinationPath: files.locate("outside"))
    XCTAssertEqual(try files.stat("ota/link")?.kind, .other)
    try files.remove("ota")
    XCTAssertEqual(try files.read("outside/kept"), [1])
  }

  func testWhatABinaryShippedWith() throws {
    for path in ["main.jsbundle", "assets/b/two.png", "assets/a.png", "Info.plist"] {
      try files.makeDirectory((path as NSString).deletingLastPathComponent)
      try files.write(path, Array(path.utf8))
    }
    let embedded = FolderFiles(files.locate(""), roots: ["main.jsbundle", "assets", "not-there"])
    XCTAssertEqual(try embedded.list().map(\.path), ["main.jsbundle", "assets/a.png", "assets/b/two.png"])
    XCTAssertEqual(try embedded.readRange("assets/a.png", offset: 7, length: 1), Array("a".utf8))
  }
}
