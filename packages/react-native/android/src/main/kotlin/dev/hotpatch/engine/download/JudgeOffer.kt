package dev.hotpatch.engine.download

import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.bytesFromBase64
import dev.hotpatch.engine.ground.messageOf
import dev.hotpatch.engine.server.EmbeddedOrder
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.server.PatchOffer
import dev.hotpatch.engine.server.SignedStatement
import dev.hotpatch.protocol.ArchiveContent
import dev.hotpatch.protocol.ENCRYPTED_ARCHIVE_NAME
import dev.hotpatch.protocol.MAX_SEQUENCE_STEP
import dev.hotpatch.protocol.MAX_STATEMENT_BYTES
import dev.hotpatch.protocol.ReleaseStatement
import dev.hotpatch.protocol.Requirement
import dev.hotpatch.protocol.RequirementSubject
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.StatementTarget
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.compileRequirement
import dev.hotpatch.protocol.digestSigningInput
import dev.hotpatch.protocol.parseNativeVersion
import dev.hotpatch.protocol.readReleaseStatement
import dev.hotpatch.protocol.requirementReason
import dev.hotpatch.protocol.statementTime
import dev.hotpatch.protocol.textFromUtf8

class Judgement(
  /** 0 for an app without signing keys. */
  val sequence: Long,
  val floor: Long,
  /** What the release is, file by file (Content §3.1), where that is known: nothing else may come of a patch. */
  val tree: String?,
)

class JudgementContext(
  val crypto: CryptoPort,
  val host: HostPort,
  val appId: String,
  val publicKeys: List<ByteArray>,
  /** Null when it is not known, or not believed. */
  val builtAt: Long?,
  /** Of the stored state. */
  val highWater: Long,
  val floor: Long,
)

/**
 * Engine §4: everything that can be judged before a byte is downloaded, in this order.
 * Nothing is read from a statement before its signature was verified over its exact bytes.
 */
fun judgeOffer(offer: Offer, context: JudgementContext): Judgement {
  // Without keys nothing distinguishes a publisher's statement from anyone's: it is not looked at.
  if (context.publicKeys.isEmpty()) return Judgement(0, 0, (offer.patch as? PatchOffer)?.tree)
  // Signing §5: of an archive the announced digest is signed by itself, too.
  val signature = required(offer.signature, "signature")
  val statement = readVerified(offer.signed, context)
  if (!isSigned(digestSigningInput(offer.sha256), signature, context)) {
    refuse(SdkCode.SIGNATURE_INVALID, "no known key signed the bundle")
  }
  expectStatement(statement.target == StatementTarget.RELEASE) { "it is not for a release" }
  expectStatement(statement.version == offer.version) {
    "it is for version ${statement.version}, not ${offer.version}"
  }
  val content = statement.content as? ArchiveContent
  expectStatement(content != null) { "it is for content of another kind than archive" }
  val archive = statement.artifacts.firstOrNull()
  expectStatement(archive?.sha256 == offer.sha256) { "it has another hash than the answer" }
  expectStatement(archive?.sizeBytes == offer.sizeBytes) { "it has another size than the answer" }
  expectEncryption(statement, content, offer)
  expectRunnable(statement, context.host)
  val judgement = judgeSequence(statement, context, content?.tree)
  expectMadeForBinary(statement, context.builtAt)
  return judgement
}

/** Engine §4: unsigned, the server may send devices back to embedded only while no floor is set. */
fun judgeEmbeddedOrder(order: EmbeddedOrder, context: JudgementContext): Judgement {
  if (context.publicKeys.isEmpty() || order.signed.statement == null) {
    if (context.floor > 0) {
      refuse(SdkCode.BELOW_FLOOR, "embedded is below the floor, and no publisher signed for it")
    }
    return Judgement(0, 0, null)
  }
  val statement = readVerified(order.signed, context)
  expectStatement(statement.target == StatementTarget.EMBEDDED) { "it is not for embedded" }
  return judgeSequence(statement, context, tree = null)
}

private fun readVerified(signed: SignedStatement, context: JudgementContext): ReleaseStatement {
  val bytes = bytesFromBase64(required(signed.statement, "statement"))
  val signature = required(signed.signature, "statement signature")
  if (bytes == null) refuseStatement("it is not base64")
  expectStatement(bytes.size <= MAX_STATEMENT_BYTES) { "it is too long" }
  if (!isSigned(bytes, signature, context)) {
    refuse(SdkCode.SIGNATURE_INVALID, "no known key signed the statement")
  }
  val statement = parseStatement(bytes)
  if (statement.appId != context.appId) {
    refuse(SdkCode.WRONG_APP, "the statement is for the app ${statement.appId}")
  }
  val platform = context.host.platform
  if (statement.platform != "any" && statement.platform != platform) {
    refuse(SdkCode.WRONG_PLATFORM, "the statement is for ${statement.platform}, this is $platform")
  }
  return statement
}

private fun parseStatement(bytes: ByteArray): ReleaseStatement {
  val text = textFromUtf8(bytes) ?: refuseStatement("it is not UTF-8")
  try {
    return readReleaseStatement(text)
  } catch (cause: UnexpectedJsonException) {
    throw UpdateError(SdkCode.STATEMENT_INVALID, "the statement: ${messageOf(cause)}", cause)
  }
}

/** The signature of any one of the configured keys will do, so that keys can be rotated. */
private fun isSigned(message: ByteArray, base64: String, context: JudgementContext): Boolean {
  val signature = bytesFromBase64(base64)
  if (signature?.size != 64) return false
  return context.publicKeys.any { context.crypto.verifyEd25519(it, message, signature) }
}

/** Content §3.2: whether it is encrypted is signed, and which bytes that are. */
private fun expectEncryption(statement: ReleaseStatement, content: ArchiveContent?, offer: Offer) {
  val isEncrypted = content?.encryption != null
  val encryption = offer.encryption
  if (encryption == null) {
    return expectStatement(!isEncrypted) { "it is of an encrypted release, and the answer of none" }
  }
  expectStatement(isEncrypted) { "it is of a release that is not encrypted, and the answer of one that is" }
  val encrypted = statement.artifacts.find { it.name == ENCRYPTED_ARCHIVE_NAME }
  expectStatement(encrypted?.sha256 == encryption.sha256) { "its encrypted file has another hash than the answer" }
  expectStatement(encrypted?.sizeBytes == encryption.sizeBytes) {
    "its encrypted file has another size than the answer"
  }
}

/** The publisher's requirement is signed: a server cannot talk a device into a release for another shell. */
private fun expectRunnable(statement: ReleaseStatement, host: HostPort) {
  val subject = RequirementSubject(
    native = parseNativeVersion(host.nativeVersion),
    runtimeVersion = host.runtimeVersion,
    osVersion = host.osVersion,
    architecture = host.architecture,
  )
  val reason = requirementReason(compileRequirement(statement.requirement), subject) ?: return
  refuse(SdkCode.REQUIREMENT_NOT_MET, "this shell does not meet its requirement ($reason)")
}

private fun judgeSequence(statement: ReleaseStatement, context: JudgementContext, tree: String?): Judgement {
  val (sequence, floor) = statement.sequence to statement.floor
  val highWater = context.highWater
  expectStatement(floor <= sequence) { "its floor $floor is above its own sequence $sequence" }
  if (sequence < context.floor) {
    refuse(SdkCode.BELOW_FLOOR, "sequence $sequence is below the floor ${context.floor}")
  }
  if (sequence < highWater) {
    refuse(SdkCode.SEQUENCE_TOO_LOW, "sequence $sequence is below $highWater, which was seen before")
  }
  if (sequence - highWater > MAX_SEQUENCE_STEP) {
    refuse(SdkCode.SEQUENCE_TOO_FAR, "sequence $sequence is more than $MAX_SEQUENCE_STEP above $highWater")
  }
  return Judgement(sequence, floor, tree)
}

/** A statement that names no binaries cannot be for a binary that was built after it was signed. */
private fun expectMadeForBinary(statement: ReleaseStatement, builtAt: Long?) {
  if (builtAt == null || statement.requirement != Requirement()) return
  val signedAt = statementTime(statement.createdAt) ?: return
  if (signedAt >= builtAt) return
  refuse(
    SdkCode.OLDER_THAN_BINARY,
    "signed ${statement.createdAt}, before this binary was built, and it names no binaries",
  )
}

private fun required(text: String?, name: String): String = text
  ?: refuse(SdkCode.SIGNATURE_MISSING, "the answer has no $name, but this app takes signed releases only")

private inline fun expectStatement(condition: Boolean, otherwise: () -> String) {
  if (!condition) refuseStatement(otherwise())
}

private fun refuseStatement(why: String): Nothing =
  refuse(SdkCode.STATEMENT_INVALID, "the statement is refused: $why")

private fun refuse(code: SdkCode, message: String): Nothing = throw UpdateError(code, message)
