import Foundation
import XCTest

@testable import HotPatchPorts

final class CertificatePinsTests: XCTestCase {
  /// Two certificates that openssl made, and what it says the SHA-256 of their keys is.
  private let certificates = [
    (
      certificate: [
        "MIIDHTCCAgWgAwIBAgIUJaImprA41Rwt1uUMSpuJW61VQ1kwDQYJKoZIhvcNAQELBQAwHjEcMBoGA1UEAwwTdXBkYXRlcy5leGFt",
        "cGxlLmNvbTAeFw0yNjExMjkxMTExMTJaFw0zNjExMjYxMTExMTJaMB4xHDAaBgNVBAMME3VwZGF0ZXMuZXhhbXBsZS5jb20wggEi",
        "MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCqwlkwkATvGDgY6KM/6a+zcM6mbZon+c7Rjv2P092rmHIRlKO9rThMCz9vumE7",
        "uRLphmkkiCpCEt7ugkFKcfmxraJbjILgHlvnTRwB9Dt8xcitMOsriXnqFVNHanRZYCTsztvpQXPdiky6w3g2BEiCt0LUnRfCY9Lw",
        "Z1OG/hag415Nhp+ij0r1v918gtTQeLINnvAEYWip9qq3EyoPQDpBQg5o85IWlF33UOiIarfzldaDDvLuoBYhumSWhpXdP7ZvHprI",
        "QkNbTB62GDmlWYsVrAzdHdlZrbuzryqViHyXv1t06QYM1+vVecx/9OmqzbN1CTrbK3Vv8Uewz/suqcirAgMBAAGjUzBRMB0GA1Ud",
        "DgQWBBROq93mwQcvkcfN1bmLvN1TqBNJtzAfBgNVHSMEGDAWgBROq93mwQcvkcfN1bmLvN1TqBNJtzAPBgNVHRMBAf8EBTADAQH/",
        "MA0GCSqGSIb3DQEBCwUAA4IBAQBs6R5OFgN6QPjSsNDltGI+9XrML8y3gWCTlLdqeiTuLsBnobgs00IjzLtvE258XkRXciPMYift",
        "S8Sa/9V7rvfWFJs/ZNwoFNUGGupbu96PRF3ibFdY43hC2zut9JsKfbSBOz4GRwd5VkDjq7LQCT+w0uK39uL19D/2dwu/m7shDUI0",
        "cHRM5MSPD5FkZqBS7fU8gqSpQMZy2Bt5RWjt7K1ko02dgF8FG9kQP2hZS6zZPGb8OExBZc8sKo5/+CNrkTsRU6cW8Rq0l5rLhOuv",
        "gtsSQYsYiH9Vt9awmx32gBACQ6zh1eH2Im4t69FBTiLqe1ySjaUiP3oNyufE+ysGJte4",
      ], key: "+Nrirse3T/7OFfFJErM13cBLTZpv0uCjErW5XTZBRVQ="
    ),
    (
      certificate: [
        "MIIBkDCCATegAwIBAgIUMMRl813yTn48ecX4Mxp5/9pXbkMwCgYIKoZIzj0EAwIwHjEcMBoGA1UEAwwTdXBkYXRlcy5leGFtcGxl",
        "LmNvbTAeFw0yNjExMjkxMTExMTJaFw0zNjExMjYxMTExMTJaMB4xHDAaBgNVBAMME3VwZGF0ZXMuZXhhbXBsZS5jb20wWTATBgcq",
        "hkjOPQIBBggqhkjOPQMBBwNCAAQ1gBxsYddnZxVwbwFdkWc3cP63qMuC++REVA/rRI8i5odAS1kxTgfHFh1DarCbpo25MTcVApi6",
        "pWRnTvZllG4Oo1MwUTAdBgNVHQ4EFgQUhc9zMhyNZCffg36NwnKjejRPVLowHwYDVR0jBBgwFoAUhc9zMhyNZCffg36NwnKjejRP",
        "VLowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiAsT+WdK9/o6jx1mf//AZ+2+TfGq6LFu/LXBgW+pQSabgIgMJH8",
        "hlC/2mokIx2rb7F188IkVw0WIVMYOfq7qtMIZA0=",
      ], key: "Z5YYpDAMcU/DXHQrIW1UOzoS3s3NHQ8vAbRuvNIvfE8="
    ),
  ]

  func testTheKeyOfACertificate() throws {
    for (certificate, key) in certificates {
      let bytes = [UInt8](try XCTUnwrap(Data(base64Encoded: certificate.joined())))
      let hasher = SystemCrypto().sha256()
      hasher.update(try XCTUnwrap(subjectPublicKeyInfo(bytes)))
      XCTAssertEqual(Data(hasher.digest()).base64EncodedString(), key)
      // However it is cut or changed, nothing is read that is not there.
      for length in bytes.indices { _ = subjectPublicKeyInfo(Array(bytes.prefix(length))) }
      for place in bytes.indices {
        var changed = bytes
        changed[place] = 0xff
        _ = subjectPublicKeyInfo(changed)
      }
    }
  }

  func testWhichHostsArePinned() throws {
    let (one, other) = ("sha256/\(certificates[0].key)", "sha256/\(certificates[1].key)")
    let pins = try CertificatePins([
      "updates.example.com=\(one)", "Updates.Example.com=\(other)", "*.example.org=\(one)",
    ])
    XCTAssertEqual(pins.of("UPDATES.example.com").count, 2)
    XCTAssertEqual(pins.of("cdn.example.org").count, 1)
    for host in ["example.org", "a.b.example.org", "example.com", "updates.example.com.evil.test", ""] {
      XCTAssertEqual(pins.of(host).count, 0, host)
    }
  }

  func testWhatIsNoPinIsRefused() {
    let good = certificates[0].key
    let others = [
      "", "updates.example.com", "updates.example.com=\(good)", "updates.example.com=sha1/\(good)",
      "updates.example.com=sha256/AAAA", "=sha256/\(good)", "https://a.test=sha256/\(good)", "a..test=sha256/\(good)",
      "*=sha256/\(good)", "a.*.test=sha256/\(good)", "é.test=sha256/\(good)", "a.test=sha256/\(good)\n",
    ]
    for text in others { XCTAssertThrowsError(try CertificatePins([text]), text) }
  }
}
