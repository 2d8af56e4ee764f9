package dev.hotpatch.protocol

/**
 * RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM. One message for each set-up.
 *
 * @property info binds what is sealed to what it is for
 * @property associated authenticated with it
 * @property keyBytes of AES: 16 or 32
 */
class HpkeInput(val info: ByteArray, val associated: ByteArray = EMPTY, val keyBytes: Int = 32)

/** @property encapsulated the public half of a key that was made for this message alone */
class HpkeSealed(val encapsulated: ByteArray, val sealed: ByteArray)

/** X25519 keys, of either half. */
const val ENCRYPTION_KEY_BYTES = 32

private val EMPTY = ByteArray(0)
private const val MODE_BASE = 0
private const val NONCE_BYTES = 12
private const val SHARED_BYTES = 32
private val KEM_ID = bytesOf(0x00, 0x20)
private val KDF_ID = bytesOf(0x00, 0x01)
private val KEM_SUITE = utf8FromText("KEM") + KEM_ID
private val VERSION_LABEL = utf8FromText("HPKE-v1")

/** RFC 7748: u = 9. */
private val BASE_POINT = ByteArray(ENCRYPTION_KEY_BYTES).also { it[0] = 9 }

/** Null for what is no private key. */
fun encryptionPublicKey(privateKey: ByteArray, crypto: OpeningCrypto): ByteArray? = crypto.x25519(privateKey, BASE_POINT)

/** Null when the key is another one, or anything was changed. */
fun openHpke(message: HpkeSealed, privateKey: ByteArray, input: HpkeInput, crypto: OpeningCrypto): ByteArray? {
  val publicKey = encryptionPublicKey(privateKey, crypto) ?: return null
  val agreed = crypto.x25519(privateKey, message.encapsulated) ?: return null
  // RFC 9180 §7.1.4: all zeros come of a public key that was chosen for that, and are nobody's secret.
  if (agreed.all { it == 0.toByte() }) return null
  return crypto.openGcm(message.sealed, setUp(agreed, message.encapsulated + publicKey, input, crypto))
}

/** RFC 9180 §4.1 and §5.1. */
private fun setUp(agreed: ByteArray, keys: ByteArray, input: HpkeInput, crypto: OpeningCrypto): GcmInput {
  val kem = LabelledKdf(KEM_SUITE, crypto)
  val shared = kem.expand(kem.extract(EMPTY, "eae_prk", agreed), "shared_secret", keys, SHARED_BYTES)
  val aeadId = bytesOf(0x00, if (input.keyBytes == 16) 0x01 else 0x02)
  val hpke = LabelledKdf(utf8FromText("HPKE") + KEM_ID + KDF_ID + aeadId, crypto)
  val noKeyId = hpke.extract(EMPTY, "psk_id_hash", EMPTY)
  val context = bytesOf(MODE_BASE) + noKeyId + hpke.extract(EMPTY, "info_hash", input.info)
  val secret = hpke.extract(shared, "secret", EMPTY)
  return GcmInput(
    key = hpke.expand(secret, "key", context, input.keyBytes),
    nonce = hpke.expand(secret, "base_nonce", context, NONCE_BYTES),
    associated = input.associated,
  )
}

/** RFC 9180 §4, over RFC 5869. Nothing that is asked for here is longer than one block. */
private class LabelledKdf(private val suite: ByteArray, private val crypto: OpeningCrypto) {
  fun extract(salt: ByteArray, label: String, secret: ByteArray): ByteArray =
    crypto.hmacSha256(salt, VERSION_LABEL + suite + utf8FromText(label) + secret)

  fun expand(key: ByteArray, label: String, info: ByteArray, length: Int): ByteArray {
    val labelled = bytesOf(0, length) + VERSION_LABEL + suite + utf8FromText(label) + info
    return crypto.hmacSha256(key, labelled + bytesOf(1)).copyOf(length)
  }
}

private fun bytesOf(vararg values: Int) = ByteArray(values.size) { values[it].toByte() }
