import HotPatchPorts
import XCTest

@testable import HotPatchEngine

/// vectors/patches/tree.json. Of patches this device takes those of whole trees; bsdiff's files are for other clients (Patches §2).
final class TreePatchTests: XCTestCase {
  private let crypto = SystemCrypto()

  func testMade() throws {
    try VectorFile("patches/tree").json.each("made") { each in
      let (base, target) = (try filesOf(each.get("base")), try filesOf(each.get("target")))
      XCTAssertEqual(treeDigest(treeFiles(base), crypto.sha256), try each.text("baseSha256"), "\(each)")
      XCTAssertEqual(treeDigest(treeFiles(target), crypto.sha256), try each.text("targetSha256"), "\(each)")
      XCTAssertEqual(try apply(each), target, "\(each)")
    }
  }

  func testRefused() throws {
    try VectorFile("patches/tree").json.each("refused") { each in
      XCTAssertThrowsError(try apply(each), "\(each)") { error in
        XCTAssertEqual((error as? PatchError)?.code.rawValue, try? each.text("code"), "\(each): \(error)")
      }
    }
  }

  /// Jumps far from the base and back are no bytes of it, and many of them no number that overflows.
  func testJumpsBeyondEveryBase() throws {
    // Nothing is added and nothing inserted, and then it goes 2^52 − 1 forward.
    let far: [UInt8] = [0x00, 0x00, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]
    let steps: [UInt8] = (0..<3000).flatMap { _ in far }
    let empty = { (what: String) in ByteReader([], what) }
    let content = FrameContent(steps: ByteReader(steps[...], "steps"), added: empty("added"), inserted: empty("inserted"))
    XCTAssertThrowsError(try makePatchedFile(content, base: [1], sizeBytes: 1, stepCount: 3000)) { error in
      XCTAssertEqual((error as? PatchError)?.code, .patchDamaged, "\(error)")
    }
  }

  private typealias Files = [ExactText: [UInt8]]

  private func filesOf(_ vector: Vector) throws -> Files {
    var files: Files = [:]
    for (path, _) in try vector.fields { files[ExactText(path)] = try vector.base64(path) }
    return files
  }

  private func treeFiles(_ files: Files) -> [TreeFile] {
    files.map { TreeFile(path: $0.text, sha256: digestOf(crypto.sha256, $1), sizeBytes: $1.count) }
  }

  private func apply(_ each: Vector) throws -> Files {
    let base = try filesOf(each.get("base"))
    let patch = try each.base64("patch")
    let limits = try each["limits"].map {
      TreeLimits(maxFileBytes: try $0.number("maxFileBytes"), maxTargetBytes: try $0.number("maxTargetBytes"))
    }
    let read = try readTreePatch(
      TreePatchInput(
        patch: PatchSource(sizeBytes: patch.count) { Array(patch[$0..<$0 + $1]) }, base: treeFiles(base),
        targetSha256: try each.text("targetSha256"), sha256: crypto.sha256,
        unpacking: createUnpacking(SystemUnpacking(), Limits()),
        limits: limits ?? TreeLimits(maxFileBytes: 1_000_000, maxTargetBytes: 1_000_000)))
    var files: Files = [:]
    for file in read.files {
      switch file.from {
      case .kept(let from), .moved(let from): files[ExactText(file.path)] = base[ExactText(from.path)]
      default: break
      }
    }
    try read.make(
      readBase: { base[ExactText($0.path)] ?? [] }, take: { files[ExactText($0.path)] = $1 })
    return files
  }
}
