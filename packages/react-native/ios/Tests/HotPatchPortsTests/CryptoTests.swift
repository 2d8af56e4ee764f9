import HotPatchPorts
import XCTest

final class CryptoTests: XCTestCase {
  private let crypto = SystemCrypto()

  func testAHashIsTheSameInPieces() {
    let whole = crypto.sha256()
    whole.update(Array("abc".utf8))
    let pieces = crypto.sha256()
    for byte in "abc".utf8 { pieces.update([byte]) }
    pieces.update([])
    XCTAssertEqual(whole.digest(), pieces.digest())
  }

  func testWhatIsNoKeyVerifiesNothing() {
    for length in [0, 31, 33] {
      let key = [UInt8](repeating: 1, count: length)
      XCTAssertFalse(crypto.verifyEd25519(publicKey: key, message: [1], signature: [UInt8](repeating: 0, count: 64)))
      XCTAssertNil(crypto.x25519(privateKey: key, publicKey: [9] + [UInt8](repeating: 0, count: 31)))
    }
    XCTAssertFalse(crypto.verifyEd25519(publicKey: [UInt8](repeating: 0, count: 32), message: [], signature: []))
  }

  func testIdsAreNewEachTime() {
    let ids = (0..<100).map { _ in crypto.randomUuid() }
    XCTAssertEqual(Set(ids).count, 100)
    XCTAssertTrue(ids.allSatisfy { $0.count == 36 && $0 == $0.lowercased() })
  }
}
