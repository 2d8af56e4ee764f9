import XCTest

@testable import HotPatchEngine

final class UpdateErrorTests: XCTestCase {
  func testNoAddressGetsIntoAMessage() {
    let address = "https://cdn.test/bundle.zip?signature=secret"
    let error = NSError(
      domain: "NSURLErrorDomain", code: -1004,
      userInfo: ["NSErrorFailingURLStringKey": address, "NSErrorFailingURLKey": URL(string: address) as Any])
    XCTAssertFalse(messageOf(error).contains("secret"), messageOf(error))
    XCTAssertTrue(messageOf(error).contains("-1004"), messageOf(error))
  }

  func testWhatAPortSaysIsKept() {
    XCTAssertEqual(messageOf(FilesError("cannot read ota: it is gone")), "cannot read ota: it is gone")
    XCTAssertEqual(asUpdateError(FilesError(isFull: true, "no room")).code, .storageFull)
    XCTAssertEqual(asUpdateError(FilesError("no")).message, "a file operation failed: no")
    XCTAssertEqual(asUpdateError(UpdateError(.belowFloor, "too low")).code, .belowFloor)
  }
}
