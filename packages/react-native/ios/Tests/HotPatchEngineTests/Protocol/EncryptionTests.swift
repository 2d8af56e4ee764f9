import HotPatchPorts
import XCTest

@testable import HotPatchEngine

/// vectors/encryption/hpke.json and vectors/encryption/files.json.
final class EncryptionTests: XCTestCase {
  private let crypto = SystemCrypto()

  func testHpke() throws {
    try VectorFile("encryption/hpke").json.each("cases") { each in
      let privateKey = try each.hex("recipientPrivateKey")
      XCTAssertEqual(encryptionPublicKey(privateKey, crypto), try each.hex("recipientPublicKey"))
      let input = HpkeInput(
        info: try each.hex("info"), associated: try each.hex("associated"), keyBytes: try each.number("keyBytes"))
      let sealed = try each.hex("sealed")
      let encapsulated = try each.hex("encapsulated")
      let open = { (sealed: [UInt8], input: HpkeInput) in
        openHpke(
          HpkeMessage(encapsulated: encapsulated, sealed: sealed), privateKey: privateKey, input, self.crypto)
      }
      XCTAssertEqual(open(sealed, input), try each.hex("plain"), "\(each)")
      for place in sealed.indices {
        var changed = sealed
        changed[place] ^= 1
        XCTAssertNil(open(changed, input))
      }
      XCTAssertNil(open(sealed, HpkeInput(info: input.info + [0], associated: input.associated, keyBytes: input.keyBytes)))
    }
  }

  func testFiles() throws {
    let vectors = try VectorFile("encryption/files").json
    try vectors.each("testOnlyKeys") { key in
      XCTAssertEqual(encryptionPublicKey(try key.hex("privateKey"), crypto), try key.hex("publicKey"))
    }
    try vectors.each("opened") { each in
      XCTAssertEqual(try open(each, vectors), try each.hex("plain"), "\(each)")
    }
    try vectors.each("refused") { each in
      XCTAssertThrowsError(try open(each, vectors), "\(each)") { error in
        XCTAssertEqual((error as? EncryptionError)?.code.rawValue, try? each.text("code"), "\(each): \(error)")
      }
    }
  }

  /// Of long ones the head is there, and how long the file is that it begins.
  func testLongFiles() throws {
    try VectorFile("encryption/files").json.each("long") { each in
      let head = try readEncryptedHead(try each.hex("head"))
      XCTAssertEqual(head.header.sizeBytes, try each.number("sizeBytes"))
      XCTAssertEqual(encryptedSize(head), try each.number("encryptedBytes"))
      var (at, plain) = (head.bytes.count, 0)
      for chunk in chunksOf(head) {
        XCTAssertEqual([chunk.offset, chunk.plainOffset], [at, plain])
        (at, plain) = (at + chunk.sealedBytes, plain + chunk.plainBytes)
        XCTAssertEqual(chunk.isLast, plain == head.header.sizeBytes)
      }
      XCTAssertEqual(at, try each.number("encryptedBytes"))
    }
  }

  private func open(_ each: Vector, _ vectors: Vector) throws -> [UInt8] {
    let file = try each.hex("file")
    let keyIds = try each.get("keys").texts
    let keys = try vectors.get("testOnlyKeys").items.filter { keyIds.contains(try $0.text("keyId")) }.map {
      DecryptionKey(keyId: try $0.text("keyId"), privateKey: try $0.hex("privateKey"))
    }
    let purpose = try XCTUnwrap(EncryptedPurpose(rawValue: try each.text("purpose")))
    let length = try readHeadLength(Array(file.prefix(12)))
    let head = try readEncryptedHead(Array(file.prefix(length)))
    if encryptedSize(head) != file.count { throw EncryptionError(.damaged, "It has another size.") }
    let opener = try openEncryptedFile(head, keys: keys, purpose: purpose, crypto)
    return try chunksOf(head).flatMap { chunk in
      try opener.open(chunk, Array(file[chunk.offset..<chunk.offset + chunk.sealedBytes]))
    }
  }
}
