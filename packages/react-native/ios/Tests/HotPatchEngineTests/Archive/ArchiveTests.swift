import Foundation
import HotPatchPorts
import XCTest

@testable import HotPatchEngine

/// vectors/archives.json: which zips are taken, and what comes out of them.
final class ArchiveTests: XCTestCase {
  private let release = InstalledRelease(
    releaseId: "release-1", version: "1.0.0", sequence: 1, sha256: String(repeating: "0", count: 64))

  func testArchives() throws {
    let vectors = try VectorFile("archives").json
    let common = try limitsOf(vectors.get("limits"), from: Limits())
    try vectors.each("cases") { each in
      let limits = try each["limits"].map { try limitsOf($0, from: common) } ?? common
      let found = try unpack(try each.base64("zip"), limits)
      if each["rule"] != nil {
        XCTAssertNil(found, "\(each)")
        return
      }
      let expected = try each.get("files").items.map {
        TreeFile(path: try $0.text("path"), sha256: try $0.text("sha256"), sizeBytes: try $0.number("sizeBytes"))
      }
      XCTAssertEqual(found.map(inTreeOrder), inTreeOrder(expected), "\(each)")
    }
  }

  /// Nil where it is refused: then nothing is marked, and nothing is started.
  private func unpack(_ zip: [UInt8], _ limits: Limits) throws -> [TreeFile]? {
    let folder = try TemporaryFolder()
    let files = SystemFiles(folder.path)
    let ports = Ports(
      files: files, http: UrlSessionHttp(), crypto: SystemCrypto(), clock: SystemClock(),
      host: HostPort(nativeVersion: "1.0", platform: "ios"), unpacking: SystemUnpacking())
    try files.makeDirectory(StorageLayout.pending)
    try files.write(StorageLayout.pendingZip, zip)
    let download = VerifiedDownload(path: StorageLayout.pendingZip, sizeBytes: zip.count)
    do {
      try installArchive(
        Installation(ports: ports, limits: limits, download: download, release: release, makeWay: {}))
    } catch let error as UpdateError where error.code == .archiveInvalid {
      XCTAssertNil(try inspectSlot(files, ports.crypto, .pending))
      return nil
    }
    let found = try inspectSlot(files, ports.crypto, .pending, thorough: true)
    XCTAssertEqual(found?.releaseId, release.releaseId)
    return try readTree(files, Slot.pending.path)?.files
  }

  private func limitsOf(_ vector: Vector, from: Limits) throws -> Limits {
    var limits = from
    for (name, value) in try vector.fields {
      let number = try readInteger(value.value, value.place, minimum: 0)
      switch name {
      case "maxFiles": limits.fileCount = number
      case "maxUnpackedBytes": limits.unpackedBytes = number
      case "maxPathBytes": limits.pathBytes = number
      default: XCTFail("\(value.place) is a limit that is not known here")
      }
    }
    return limits
  }
}
