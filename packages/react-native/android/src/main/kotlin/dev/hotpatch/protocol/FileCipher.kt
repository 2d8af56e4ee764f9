package dev.hotpatch.protocol

/** The private half of a key for which files are encrypted. */
class DecryptionKey(val keyId: String, val privateKey: ByteArray)

private const val CONTENT_KEY_BYTES = 32
private const val NONCE_BYTES = 12
private val NOTHING = ByteArray(0)

/** Opens the chunks of one file. */
class FileOpener internal constructor(private val key: ByteArray, private val crypto: OpeningCrypto) {
  /** @param sealed exactly the bytes of the chunk @throws EncryptionException damaged */
  fun open(chunk: EncryptedChunk, sealed: ByteArray): ByteArray {
    val plain = if (sealed.size == chunk.sealedBytes) crypto.openGcm(sealed, GcmInput(key, nonceOf(chunk), NOTHING)) else null
    if (plain?.size == chunk.plainBytes) return plain
    val message = "Expected chunk ${chunk.index} as it was encrypted, found something else."
    throw EncryptionException(EncryptionFault.DAMAGED, message)
  }
}

/**
 * Encryption §3, with whichever of the keys the file is for.
 * @param purpose what it has to be: an archive is never opened as a patch
 * @throws EncryptionException
 */
fun openEncryptedFile(
  head: EncryptedHead,
  keys: List<DecryptionKey>,
  purpose: EncryptedPurpose,
  crypto: OpeningCrypto,
): FileOpener {
  if (head.header.purpose != purpose) {
    val message = "Expected an encrypted ${purpose.text}, found one for another purpose."
    throw EncryptionException(EncryptionFault.DAMAGED, message)
  }
  // Whoever changes a byte of the head has another key, and no chunk opens.
  return FileOpener(crypto.hmacSha256(openContentKey(head.header, keys, crypto), head.bytes), crypto)
}

private fun openContentKey(header: EncryptedHeader, keys: List<DecryptionKey>, crypto: OpeningCrypto): ByteArray {
  for (recipient in header.recipients) {
    val known = keys.find { it.keyId == recipient.keyId } ?: continue
    val sealed = HpkeSealed(recipient.encapsulated, recipient.wrappedKey)
    val info = utf8FromText("hotpatch encryption v1 ${header.purpose.text} ${recipient.keyId}")
    val opened = openHpke(sealed, known.privateKey, HpkeInput(info), crypto)
    if (opened?.size == CONTENT_KEY_BYTES) return opened
    val message = "Expected a content key for the key ${recipient.keyId}, found one that it does not open."
    throw EncryptionException(EncryptionFault.DAMAGED, message)
  }
  throw EncryptionException(EncryptionFault.KEY_MISSING, missingKeyMessage(header.recipients.map { it.keyId }, keys))
}

/** For people: ids of public keys are no secrets. */
fun missingKeyMessage(recipients: List<String>, keys: List<DecryptionKey>): String {
  val found = if (keys.isEmpty()) "no key" else keys.joinToString(", ") { it.keyId }
  return "It is encrypted for ${recipients.joinToString(", ")}; found here $found."
}

/** The last one is another than it would be with more behind it: what is cut, put elsewhere or added does not open. */
private fun nonceOf(chunk: EncryptedChunk): ByteArray {
  val nonce = ByteArray(NONCE_BYTES)
  for (index in 0 until 4) nonce[NONCE_BYTES - 5 + index] = (chunk.index ushr (24 - 8 * index)).toByte()
  nonce[NONCE_BYTES - 1] = if (chunk.isLast) 1 else 0
  return nonce
}
