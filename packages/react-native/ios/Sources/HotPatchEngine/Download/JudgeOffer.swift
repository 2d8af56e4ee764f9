struct Judgement {
  /// 0 for an app without signing keys.
  var sequence: Int
  var floor: Int
  /// What the release is, file by file (Content §3.1), where that is known: nothing else may come of a patch.
  var tree: String?

  static let unsigned = Judgement(sequence: 0, floor: 0, tree: nil)
}

struct JudgementContext {
  var crypto: CryptoPort
  var host: HostPort
  var publicKeys: [[UInt8]]
  var appId: String
  /// Nil when it is not known, or not believed.
  var builtAt: Int?
  var highWater: Int
  var floor: Int
}

/// Engine §4: everything that can be judged before a byte is downloaded, in this order.
/// Nothing is read from a statement before its signature was verified over its exact bytes.
func judgeOffer(_ offer: Offer, _ context: JudgementContext) throws -> Judgement {
  // Without keys nothing distinguishes a publisher's statement from anyone's: it is not looked at.
  if context.publicKeys.isEmpty { return Judgement(sequence: 0, floor: 0, tree: announcedTree(offer)) }
  // Signing §5: of an archive the announced digest is signed by itself, too.
  let signature = try required(offer.signature, "signature")
  let statement = try readVerified(offer.signed, context)
  guard let digest = digestSigningInput(offer.sha256), isSigned(digest, signature, context) else {
    throw UpdateError(.signatureInvalid, "no known key signed the bundle")
  }
  try expectStatement(statement.target == .release, "it is not for a release")
  try expectStatement(
    isSameText(statement.version, offer.version), "it is for version \(statement.version), not \(offer.version)")
  try expectStatement(statement.content?.kind == .archive, "it is for content of another kind than archive")
  let archive = statement.artifacts.first
  try expectStatement(isSameText(archive?.sha256, offer.sha256), "it has another hash than the answer")
  try expectStatement(archive?.sizeBytes == offer.sizeBytes, "it has another size than the answer")
  try expectEncryption(statement, offer.encryption)
  try expectRunnable(statement, context.host)
  var judgement = try judgeSequence(statement, context)
  judgement.tree = statedArchive(statement)?.tree
  try expectMadeForBinary(statement, context.builtAt)
  return judgement
}

/// Engine §4: unsigned, the server may send devices back to embedded only while no floor is set.
func judgeEmbeddedOrder(_ order: EmbeddedOrder, _ context: JudgementContext) throws -> Judgement {
  if context.publicKeys.isEmpty || order.signed.statement == nil {
    if context.floor > 0 {
      throw UpdateError(.belowFloor, "embedded is below the floor, and no publisher signed for it")
    }
    return .unsigned
  }
  let statement = try readVerified(order.signed, context)
  try expectStatement(statement.target == .embedded, "it is not for embedded")
  return try judgeSequence(statement, context)
}

private func announcedTree(_ offer: Offer) -> String? {
  if case .patch(let patch)? = offer.patch { return patch.tree }
  return nil
}

private func statedArchive(_ statement: ReleaseStatement) -> ArchiveContent? {
  if case .archive(let archive)? = statement.content { return archive }
  return nil
}

private func readVerified(_ signed: SignedStatement, _ context: JudgementContext) throws -> ReleaseStatement {
  let text = try required(signed.statement, "statement")
  let signature = try required(signed.statementSignature, "statement signature")
  guard let bytes = bytesFromBase64(text) else { throw refusedStatement("it is not base64") }
  try expectStatement(bytes.count <= maxStatementBytes, "it is too long")
  if !isSigned(bytes, signature, context) {
    throw UpdateError(.signatureInvalid, "no known key signed the statement")
  }
  let statement = try parseStatement(bytes)
  if !isSameText(statement.appId, context.appId) {
    throw UpdateError(.wrongApp, "the statement is for the app \(statement.appId)")
  }
  let platform = context.host.platform
  if statement.platform != .any && !isSameText(statement.platform.rawValue, platform) {
    throw UpdateError(.wrongPlatform, "the statement is for \(statement.platform.rawValue), this is \(platform)")
  }
  return statement
}

private func parseStatement(_ bytes: [UInt8]) throws -> ReleaseStatement {
  guard let text = textFromUtf8(bytes) else { throw refusedStatement("it is not UTF-8") }
  do {
    return try readReleaseStatement(text)
  } catch let cause as UnexpectedJsonError {
    throw UpdateError(.statementInvalid, "the statement: \(cause)", cause: cause)
  }
}

/// The signature of any one of the configured keys will do, so that keys can be rotated.
private func isSigned(_ message: [UInt8], _ base64: String, _ context: JudgementContext) -> Bool {
  guard let signature = bytesFromBase64(base64), signature.count == 64 else { return false }
  return context.publicKeys.contains {
    context.crypto.verifyEd25519(publicKey: $0, message: message, signature: signature)
  }
}

/// Content §3.2: whether it is encrypted is signed, and which bytes that are.
private func expectEncryption(_ statement: ReleaseStatement, _ encryption: OfferedEncryption?) throws {
  let isEncrypted = statedArchive(statement)?.encryption != nil
  guard let encryption else {
    return try expectStatement(!isEncrypted, "it is of an encrypted release, and the answer of none")
  }
  try expectStatement(isEncrypted, "it is of a release that is not encrypted, and the answer of one that is")
  let encrypted = statement.artifacts.first { isSameText($0.name, encryptedArchiveName) }
  try expectStatement(
    isSameText(encrypted?.sha256, encryption.sha256), "its encrypted file has another hash than the answer")
  try expectStatement(
    encrypted?.sizeBytes == encryption.sizeBytes, "its encrypted file has another size than the answer")
}

/// The publisher's requirement is signed: a server cannot talk a device into a release for another shell.
private func expectRunnable(_ statement: ReleaseStatement, _ host: HostPort) throws {
  let subject = RequirementSubject(
    native: parseNativeVersion(host.nativeVersion), runtimeVersion: host.runtimeVersion, osVersion: host.osVersion,
    architecture: host.architecture)
  if let reason = requirementReason(compileRequirement(statement.requirement), subject) {
    throw UpdateError(.requirementNotMet, "this shell does not meet its requirement (\(reason.rawValue))")
  }
}

private func judgeSequence(_ statement: ReleaseStatement, _ context: JudgementContext) throws -> Judgement {
  let (sequence, floor, highWater) = (statement.sequence, statement.floor, context.highWater)
  try expectStatement(floor <= sequence, "its floor \(floor) is above its own sequence \(sequence)")
  if sequence < context.floor {
    throw UpdateError(.belowFloor, "sequence \(sequence) is below the floor \(context.floor)")
  }
  if sequence < highWater {
    throw UpdateError(.sequenceTooLow, "sequence \(sequence) is below \(highWater), which was seen before")
  }
  if sequence - highWater > maxSequenceStep {
    throw UpdateError(.sequenceTooFar, "sequence \(sequence) is more than \(maxSequenceStep) above \(highWater)")
  }
  return Judgement(sequence: sequence, floor: floor, tree: nil)
}

/// A statement that names no binaries cannot be for a binary that was built after it was signed.
private func expectMadeForBinary(_ statement: ReleaseStatement, _ builtAt: Int?) throws {
  guard let builtAt, statement.requirement.isEmpty else { return }
  guard let signedAt = statementTime(statement), signedAt < Double(builtAt) else { return }
  throw UpdateError(
    .olderThanBinary,
    "signed \(statement.createdAt), before this binary was built, and it names no binaries")
}

private func required(_ text: String?, _ name: String) throws -> String {
  if let text { return text }
  throw UpdateError(.signatureMissing, "the answer has no \(name), but this app takes signed releases only")
}

private func expectStatement(_ condition: Bool, _ otherwise: String) throws {
  if !condition { throw refusedStatement(otherwise) }
}

private func refusedStatement(_ why: String) -> UpdateError {
  UpdateError(.statementInvalid, "the statement is refused: \(why)")
}
