package dev.hotpatch.engine.decrypt

import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.expectRoom
import dev.hotpatch.engine.install.VerifiedDownload
import dev.hotpatch.engine.state.hashFile
import dev.hotpatch.engine.state.reader
import dev.hotpatch.protocol.DecryptionKey
import dev.hotpatch.protocol.ENCRYPTED_PREFIX_BYTES
import dev.hotpatch.protocol.ENCRYPTION_ALGORITHM
import dev.hotpatch.protocol.EncryptedHead
import dev.hotpatch.protocol.EncryptionException
import dev.hotpatch.protocol.EncryptionFault
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.chunksOf
import dev.hotpatch.protocol.encryptedSize
import dev.hotpatch.protocol.encryptionPublicKey
import dev.hotpatch.protocol.hexFromBytes
import dev.hotpatch.protocol.keyIdOf
import dev.hotpatch.protocol.missingKeyMessage
import dev.hotpatch.protocol.openEncryptedFile
import dev.hotpatch.protocol.readEncryptedHead
import dev.hotpatch.protocol.readHeadLength

private const val MAX_SHOWN = 64

val fileDecrypter: Decrypter = object : Decrypter {
  override fun keysOf(ports: Ports, settings: Settings): List<DecryptionKey> {
    val encryption = ports.encryption ?: return emptyList()
    return settings.decryptionKeys.mapNotNull { privateKey ->
      val publicKey = encryptionPublicKey(privateKey, encryption) ?: return@mapNotNull null
      val hasher = ports.crypto.sha256()
      hasher.update(publicKey)
      DecryptionKey(keyIdOf(hexFromBytes(hasher.digest())), privateKey)
    }
  }

  override fun judge(algorithm: String, keyIds: List<String>, keys: List<DecryptionKey>) {
    if (algorithm != ENCRYPTION_ALGORITHM) {
      val message = "it is encrypted by ${algorithm.take(MAX_SHOWN)}, which is not known here"
      throw UpdateError(SdkCode.ENCRYPTION_UNKNOWN, message)
    }
    if (keys.any { it.keyId in keyIds }) return
    throw UpdateError(SdkCode.DECRYPTION_KEY_MISSING, missingKeyMessage(keyIds, keys))
  }

  override fun open(
    download: VerifiedDownload,
    to: String,
    expected: ExpectedInside,
    keys: List<DecryptionKey>,
    ports: Ports,
  ): VerifiedDownload =
    try {
      val head = readHead(download, expected, ports)
      expectRoom(ports.files, head.header.sizeBytes, "what is inside the encrypted file")
      openInto(to, Opening(download, head, expected, keys), ports)
    } catch (cause: EncryptionException) {
      // These are the bytes that were signed: they would fail again.
      throw UpdateError(SdkCode.DECRYPTION_FAILED, "${cause.fault.text}: ${cause.message}", cause)
    }
}

private class Opening(
  val download: VerifiedDownload,
  val head: EncryptedHead,
  val expected: ExpectedInside,
  val keys: List<DecryptionKey>,
)

private fun readHead(download: VerifiedDownload, expected: ExpectedInside, ports: Ports): EncryptedHead {
  val length = readHeadLength(ports.files.readRange(download.path, 0, ENCRYPTED_PREFIX_BYTES))
  val head = readEncryptedHead(ports.files.readRange(download.path, 0, length))
  val header = head.header
  val isAsAnnounced = encryptedSize(head) == download.sizeBytes &&
    (expected.tree ?: header.tree) == header.tree &&
    (expected.sha256 ?: header.sha256) == header.sha256 &&
    (expected.sizeBytes ?: header.sizeBytes) == header.sizeBytes &&
    expected.baseTree == header.patch?.baseTree
  if (isAsAnnounced) return head
  throw damaged("Expected an encrypted file of what was announced, found one of something else.")
}

/** With memory for one chunk. What an earlier process left there is written over, and cut off. */
private fun openInto(to: String, opening: Opening, ports: Ports): VerifiedDownload {
  val (files, head) = ports.files to opening.head
  val encryption = ports.encryption
    ?: throw EncryptionException(EncryptionFault.KEY_MISSING, "Nothing can be decrypted on this machine.")
  val opener = openEncryptedFile(head, opening.keys, opening.expected.purpose, encryption)
  val hasher = ports.crypto.sha256()
  for (chunk in chunksOf(head)) {
    val plain = opener.open(chunk, files.readRange(opening.download.path, chunk.offset, chunk.sealedBytes))
    hasher.update(plain)
    files.append(to, chunk.plainOffset, plain)
  }
  val (sha256, sizeBytes) = head.header.sha256 to head.header.sizeBytes
  if (hexFromBytes(hasher.digest()) != sha256) {
    throw damaged("Expected what is inside to have the SHA-256 of its header, found another one.")
  }
  val found = hashFile(ports.crypto, sizeBytes, files.reader(to))
  if (found == sha256) return VerifiedDownload(to, sizeBytes)
  val message = "what was decrypted has the hash $found on the disk, announced was $sha256"
  throw UpdateError(SdkCode.HASH_MISMATCH, message)
}

private fun damaged(message: String) = EncryptionException(EncryptionFault.DAMAGED, message)
