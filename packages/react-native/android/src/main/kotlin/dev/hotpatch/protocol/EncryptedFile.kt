package dev.hotpatch.protocol

/** Encryption §2: what it is called where algorithms are named. */
const val ENCRYPTION_ALGORITHM = "hotpatch-v1"

/** More keys than an app has at once: those of its binaries in the field, and the next. */
const val MAX_RECIPIENTS = 16

private const val TYPE = "hotpatch.encrypted.v1"
private const val MAGIC = "HPCRYPT1"

/** The magic, and how long the header is. */
const val ENCRYPTED_PREFIX_BYTES = 12

/** As much as 16 recipients take, and twice that. */
private const val MAX_HEADER_BYTES = 8 * 1024

/** Of what is encrypted at a time. */
const val CHUNK_BYTES = 64 * 1024
private const val TAG_BYTES = 16
private const val ENCAPSULATED_BYTES = 32
private const val WRAPPED_KEY_BYTES = 48

/** What is inside: what is made for one is not opened as the other. */
enum class EncryptedPurpose(val text: String) { ARCHIVE("archive"), PATCH("patch") }

/** @property keyId of the public key (Signing §9) */
class Recipient(val keyId: String, val encapsulated: ByteArray, val wrappedKey: ByteArray)

/** Of a patch: how it is packed (Patches §5), and the tree of what it is made of. */
class EncryptedPatch(val format: String, val baseTree: String)

/** Encryption §2.2: in the clear, and nothing that a release's statement does not say, too. */
class EncryptedHeader(
  val purpose: EncryptedPurpose,
  /** Of what is inside. */
  val sha256: String,
  val sizeBytes: Long,
  /** Content §3.1: of the files that it stands for. */
  val tree: String,
  val patch: EncryptedPatch?,
  val recipients: List<Recipient>,
)

/** With its exact bytes, everything before the first chunk: they are a part of the key. */
class EncryptedHead(val header: EncryptedHeader, val bytes: ByteArray)

enum class EncryptionFault(val text: String) {
  /** Another version, or nothing that is encrypted like this. */
  UNKNOWN("unknown"),

  /** It is for other keys. */
  KEY_MISSING("key-missing"),

  /** It was changed, or the key is not the one that it says. */
  DAMAGED("damaged"),
}

class EncryptionException(val fault: EncryptionFault, message: String, cause: Throwable? = null) : Exception(message, cause)

/**
 * How many bytes the head has.
 * @param prefix the first bytes of the file
 * @throws EncryptionException
 */
fun readHeadLength(prefix: ByteArray): Int {
  if (prefix.size < ENCRYPTED_PREFIX_BYTES || !beginsWith(prefix, MAGIC)) {
    val message = "Expected an encrypted file that begins with $MAGIC, found another one."
    throw EncryptionException(EncryptionFault.UNKNOWN, message)
  }
  var headerBytes = 0L
  for (index in 3 downTo 0) headerBytes = headerBytes shl 8 or (prefix[MAGIC.length + index].toLong() and 0xff)
  if (headerBytes > MAX_HEADER_BYTES) {
    throw damaged("Expected a header of at most $MAX_HEADER_BYTES bytes, found $headerBytes.")
  }
  return ENCRYPTED_PREFIX_BYTES + headerBytes.toInt()
}

/** @param bytes as many as [readHeadLength] says @throws EncryptionException */
fun readEncryptedHead(bytes: ByteArray): EncryptedHead {
  if (readHeadLength(bytes) != bytes.size) throw damaged("Expected the whole header, found its beginning.")
  val text = textFromUtf8(bytes, ENCRYPTED_PREFIX_BYTES) ?: throw damaged("Expected a header in UTF-8, found none.")
  try {
    return EncryptedHead(readHeader(readJson(text)), bytes)
  } catch (cause: UnexpectedJsonException) {
    throw EncryptionException(EncryptionFault.DAMAGED, "The header: ${cause.message}.", cause)
  }
}

/** A part of the file: so much of what is inside, and behind it a tag. */
class EncryptedChunk(
  val index: Long,
  val isLast: Boolean,
  /** In the file. */
  val offset: Long,
  val sealedBytes: Int,
  /** In what is inside. */
  val plainOffset: Long,
  val plainBytes: Int,
)

/** Encryption §2.3. */
fun chunksOf(head: EncryptedHead): Sequence<EncryptedChunk> {
  val sizeBytes = head.header.sizeBytes
  val count = chunkCount(sizeBytes)
  return (0 until count).asSequence().map { index ->
    val plainOffset = index * CHUNK_BYTES
    val plainBytes = minOf(CHUNK_BYTES.toLong(), sizeBytes - plainOffset).toInt()
    EncryptedChunk(
      index = index,
      isLast = index == count - 1,
      offset = head.bytes.size + index * (CHUNK_BYTES + TAG_BYTES),
      sealedBytes = plainBytes + TAG_BYTES,
      plainOffset = plainOffset,
      plainBytes = plainBytes,
    )
  }
}

/** Of the whole file: nothing is behind the last chunk. */
fun encryptedSize(head: EncryptedHead): Long =
  head.bytes.size + head.header.sizeBytes + chunkCount(head.header.sizeBytes) * TAG_BYTES

private fun chunkCount(sizeBytes: Long): Long = (sizeBytes - 1) / CHUNK_BYTES + 1

private fun readHeader(value: JsonValue): EncryptedHeader {
  val json = readObject(value, "")
  readString(json["type"], "/type", "\"$TYPE\"") { it == TYPE }
  val purpose = readPurpose(json["purpose"])
  val recipients = readArray(json["recipients"], "/recipients", MAX_RECIPIENTS).mapIndexed { index, each ->
    readRecipient(each, "/recipients/$index")
  }
  if (recipients.isEmpty() || recipients.distinctBy { it.keyId }.size != recipients.size) {
    throw UnexpectedJsonException("/recipients", "at least one, each for a key of its own", json["recipients"])
  }
  return EncryptedHeader(
    purpose = purpose,
    patch = if (purpose == EncryptedPurpose.PATCH) readPatch(json) else null,
    sha256 = readSha256(json["sha256"], "/sha256"),
    sizeBytes = readInteger(json["sizeBytes"], "/sizeBytes", 1),
    tree = readSha256(json["tree"], "/tree"),
    recipients = recipients,
  )
}

private fun readPurpose(value: JsonValue?): EncryptedPurpose {
  val text = (value as? JsonString)?.value
  return EncryptedPurpose.entries.find { it.text == text }
    ?: throw UnexpectedJsonException("/purpose", "\"archive\" or \"patch\"", value)
}

private val FORMAT = Regex("[a-z0-9-]{1,32}")

private fun readPatch(json: JsonObject) = EncryptedPatch(
  format = readString(json["format"], "/format", "a format of patches", FORMAT::matches),
  baseTree = readSha256(json["baseTree"], "/baseTree"),
)

private fun readRecipient(value: JsonValue, pointer: String): Recipient {
  val json = readObject(value, pointer)
  return Recipient(
    keyId = readString(json["keyId"], "$pointer/keyId", "16 lower-case hex digits", ::isKeyId),
    encapsulated = readHex(json["encapsulated"], "$pointer/encapsulated", ENCAPSULATED_BYTES),
    wrappedKey = readHex(json["wrappedKey"], "$pointer/wrappedKey", WRAPPED_KEY_BYTES),
  )
}

private fun readHex(value: JsonValue?, pointer: String, length: Int): ByteArray {
  val bytes = (value as? JsonString)?.let { bytesFromHex(it.value) }
  if (bytes?.size == length) return bytes
  throw UnexpectedJsonException(pointer, "$length bytes in lower-case hex", value)
}

private fun beginsWith(bytes: ByteArray, text: String): Boolean {
  for (index in text.indices) if (bytes[index].toInt() != text[index].code) return false
  return true
}

private fun damaged(message: String) = EncryptionException(EncryptionFault.DAMAGED, message)
