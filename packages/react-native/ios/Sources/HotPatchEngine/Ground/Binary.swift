/// Engine §3: which app binary it is. Builds of one version, and runtimes of one build, are different binaries.
struct Binary {
  var nativeVersion: String
  var nativeBuild: String?
  var runtimeVersion: String?
}

func binaryOf(_ host: HostPort) -> Binary {
  Binary(nativeVersion: host.nativeVersion, nativeBuild: host.nativeBuild, runtimeVersion: host.runtimeVersion)
}

func binaryOf(_ report: Report) -> Binary {
  Binary(nativeVersion: report.nativeVersion, nativeBuild: report.nativeBuild, runtimeVersion: report.runtimeVersion)
}

/// Engine §4: when it was built; nil when it does not say so, or says what cannot be. A time that is yet to come would
/// keep the device from whatever is signed until then. Asked once in a process: what is told and what is judged by agree.
func readBuiltAt(_ host: HostPort, now: Int) -> Int? {
  guard let builtAt = host.builtAt, builtAt >= 0, builtAt <= Double(maxSafeInteger), builtAt == builtAt.rounded() else {
    return nil
  }
  return Int(builtAt) <= now ? Int(builtAt) : nil
}

func isSameBinary(_ a: Binary, _ b: Binary) -> Bool {
  isSameText(a.nativeVersion, b.nativeVersion) && isSameText(a.nativeBuild, b.nativeBuild)
    && isSameText(a.runtimeVersion, b.runtimeVersion)
}

/// Throws UnexpectedJsonError.
func readBinary(_ value: JsonValue?, _ pointer: String) throws -> Binary {
  let json = try readObject(value, pointer)
  return Binary(
    nativeVersion: try readString(json["nativeVersion"], "\(pointer)/nativeVersion"),
    nativeBuild: try readNullableString(json["nativeBuild"], "\(pointer)/nativeBuild"),
    runtimeVersion: try readNullableString(json["runtimeVersion"], "\(pointer)/runtimeVersion"))
}

func writeBinary(_ binary: Binary) -> JsonValue {
  jsonObject([
    ("nativeVersion", .string(binary.nativeVersion)),
    ("nativeBuild", jsonOrNull(binary.nativeBuild)),
    ("runtimeVersion", jsonOrNull(binary.runtimeVersion)),
  ])
}
