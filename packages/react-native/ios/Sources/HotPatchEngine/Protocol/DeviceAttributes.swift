/// How one attribute is compared.
struct AttributeKind {
  let name: String
  /// What is longer is cut.
  let maxLength: Int
  /// A range says something of it.
  var isVersion = false
}

/// What a device may tell of itself besides the versions that requirements are about, and what clients of others tell.
let deviceAttributes: [AttributeKind] = [
  AttributeKind(name: "osVersion", maxLength: 64, isVersion: true),
  AttributeKind(name: "model", maxLength: 200),
  AttributeKind(name: "locale", maxLength: 64),
  AttributeKind(name: "nativeBuild", maxLength: 64),
  AttributeKind(name: "architecture", maxLength: 64),
  AttributeKind(name: "sdkVersion", maxLength: 64, isVersion: true),
  AttributeKind(name: "decryptionKeyId", maxLength: 140),
  AttributeKind(name: "answerKeyId", maxLength: 64),
  AttributeKind(name: "embeddedUpdateId", maxLength: 64),
  AttributeKind(name: "rolloutCohort", maxLength: 64),
  AttributeKind(name: "installerFormats", maxLength: 200),
  AttributeKind(name: "isEmulator", maxLength: 5),
  AttributeKind(name: "isProduction", maxLength: 5),
  AttributeKind(name: "installSource", maxLength: 64),
]

private let customPrefix = "custom."
private let maxCustomName = 40

/// What an app tells of itself by a name of its own.
func isCustomAttribute(_ name: String) -> Bool {
  guard name.utf8.starts(with: customPrefix.utf8) else { return false }
  let own = String(decoding: name.utf8.dropFirst(customPrefix.utf8.count), as: UTF8.self)
  return isName(own, letters: isLowerCaseWord, with: "._-", maxLength: maxCustomName)
}
