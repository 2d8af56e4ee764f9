package dev.hotpatch.engine.edge

import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.bytesFromBase64
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.edge.EdgeEnvelope
import dev.hotpatch.protocol.edge.EdgeKeyDocument
import dev.hotpatch.protocol.edge.EdgePointer
import dev.hotpatch.protocol.edge.MAX_EDGE_DOCUMENT_BYTES
import dev.hotpatch.protocol.edge.readEdgeKeyDocument
import dev.hotpatch.protocol.edge.readEdgePointer

private const val SIGNATURE_BYTES = 64

/** @property key which of those that were given, by its place */
private class Verified(val text: String, val key: Int)

/** Nothing is read of a text before its signature was verified over its exact bytes. Null: none of the keys signed it. */
private fun verify(crypto: CryptoPort, envelope: EdgeEnvelope, keys: List<ByteArray>): Verified? {
  val bytes = bytesFromBase64(envelope.payload)
  if (bytes == null || bytes.size > MAX_EDGE_DOCUMENT_BYTES) return null
  for (text in envelope.signatures) {
    val signature = bytesFromBase64(text)?.takeIf { it.size == SIGNATURE_BYTES } ?: continue
    val key = keys.indexOfFirst { crypto.verifyEd25519(it, bytes, signature) }
    if (key != -1) return Verified(textOf(bytes, "a document"), key)
  }
  return null
}

/**
 * Static edge §8: by a publisher's key, for this app.
 * @throws UpdateError
 */
internal fun verifyKeyDocument(
  crypto: CryptoPort,
  envelope: EdgeEnvelope,
  publicKeys: List<ByteArray>,
  appId: String,
): EdgeKeyDocument {
  val verified = verify(crypto, envelope, publicKeys)
    ?: throw UpdateError(SdkCode.SIGNATURE_INVALID, "no known key signed the keys of the edge")
  val document = readOrRefuse("the key document") { readEdgeKeyDocument(verified.text) }
  if (document.appId == appId) return document
  throw UpdateError(SdkCode.WRONG_APP, "the keys of the edge are for the app ${document.appId}")
}

internal class VerifiedPointer(
  val pointer: EdgePointer,
  /** Of the key that signed it, in milliseconds since 1970. */
  val notAfter: Long,
)

/**
 * Static edge §8: by a key that the document names. Null: by none of them.
 * @throws UpdateError 'answer-invalid' when it is signed, and not as it must be
 */
internal fun verifyPointer(crypto: CryptoPort, envelope: EdgeEnvelope, document: EdgeKeyDocument): VerifiedPointer? {
  val keys = document.keys.mapNotNull { key -> bytesFromBase64(key.publicKey)?.let { it to key.notAfter } }
  val verified = verify(crypto, envelope, keys.map { it.first }) ?: return null
  val pointer = readOrRefuse("the pointer") { readEdgePointer(verified.text) }
  return VerifiedPointer(pointer, keys[verified.key].second)
}
