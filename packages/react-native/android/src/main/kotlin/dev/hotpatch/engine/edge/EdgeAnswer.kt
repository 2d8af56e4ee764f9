package dev.hotpatch.engine.edge

import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.server.CheckAnswer
import dev.hotpatch.engine.server.CheckRequest
import dev.hotpatch.engine.server.EmbeddedOrder
import dev.hotpatch.engine.server.NativeUpdate
import dev.hotpatch.engine.server.Offer
import dev.hotpatch.engine.server.SignedStatement
import dev.hotpatch.engine.server.toldAttributes
import dev.hotpatch.protocol.CatalogRelease
import dev.hotpatch.protocol.CatalogRollout
import dev.hotpatch.protocol.DEVICE_ATTRIBUTES
import dev.hotpatch.protocol.Decision
import dev.hotpatch.protocol.Device
import dev.hotpatch.protocol.DeviceTrust
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.edge.CompiledEdgeCatalog
import dev.hotpatch.protocol.edge.EdgeStatement

/** As the server would know it of what it is told. */
internal fun deviceOf(request: CheckRequest, deviceId: String, host: HostPort) = Device(
  id = deviceId,
  nativeVersion = host.nativeVersion,
  runtimeVersion = host.runtimeVersion,
  currentReleaseId = request.releaseId,
  failedReleaseIds = request.failedReleaseIds,
  attributes = knownAttributes(host),
  trust = DeviceTrust(
    highWater = request.trust.highestSequence,
    floor = request.trust.floor,
    keyIds = request.trust.trustedKeys,
    heldReleaseId = request.trust.heldReleaseId,
    builtAt = request.trust.embeddedBuiltAt,
  ),
)

/** Rules are about what the server takes of it. */
private fun knownAttributes(host: HostPort): Map<String, String> {
  val told = toldAttributes(host) + listOfNotNull(host.nativeBuild?.let { "nativeBuild" to it })
  return told.mapValues { (name, value) -> value.take(DEVICE_ATTRIBUTES.getValue(name).maxLength) }
}

/** @throws UpdateError 'answer-invalid' */
internal fun answerOf(decision: Decision, edge: CompiledEdgeCatalog, baseUrl: String): CheckAnswer = when (decision) {
  is Decision.Update -> {
    val signed = restatedOf(decision.rollout, edge)
    CheckAnswer.Offered(offerOf(decision.release, signed, decision.mandatory, edge, baseUrl))
  }
  is Decision.Embedded -> {
    val signed = decision.rollout?.let { restatedOf(it, edge) } ?: UNSIGNED
    CheckAnswer.Embedded(EmbeddedOrder(signed, decision.mandatory, decision.reason.text))
  }
  is Decision.UpToDate, is Decision.NativeUpdateRequired -> CheckAnswer.Nothing(
    decision.reason.text,
    decision.nativeUpdate?.let { NativeUpdate(it.minNativeVersion, it.releaseId) },
  )
}

private val UNSIGNED = SignedStatement(null, null)

/** Null: it was not stated again. */
private fun restatedOf(rollout: CatalogRollout, edge: CompiledEdgeCatalog): SignedStatement? =
  if (rollout.restated == null) null else signedOf(edge.restatementOf(rollout.id))

private fun signedOf(stated: EdgeStatement?): SignedStatement =
  if (stated == null) UNSIGNED else SignedStatement(stated.statement, stated.signature)

private fun offerOf(
  release: CatalogRelease,
  restated: SignedStatement?,
  mandatory: Boolean,
  edge: CompiledEdgeCatalog,
  baseUrl: String,
): Offer {
  val offer = edge.offerOf(release.id) ?: throw UpdateError(
    SdkCode.ANSWER_INVALID,
    "the edge offers ${release.version}, and says nothing of its bytes",
  )
  return Offer(
    signed = restated ?: signedOf(offer.stated),
    releaseId = release.id,
    version = release.version,
    bundleUrl = "$baseUrl/artifacts/${offer.sha256}",
    sha256 = offer.sha256,
    sizeBytes = offer.sizeBytes,
    encryption = null,
    signature = offer.signature,
    patch = null,
    mandatory = mandatory,
    notes = offer.notes,
  )
}
