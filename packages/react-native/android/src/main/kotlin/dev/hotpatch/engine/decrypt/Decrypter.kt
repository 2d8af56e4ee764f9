package dev.hotpatch.engine.decrypt

import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.install.VerifiedDownload
import dev.hotpatch.protocol.DecryptionKey
import dev.hotpatch.protocol.EncryptedPurpose

/** What has to be inside, as far as it was announced. */
class ExpectedInside(
  val purpose: EncryptedPurpose,
  /** Null where no statement says it. */
  val tree: String?,
  /** Of a release: of its zip. Of a patch nothing is announced but the trees. */
  val sha256: String? = null,
  val sizeBytes: Long? = null,
  val baseTree: String? = null,
)

/** Without it nothing that is encrypted is asked for or taken. */
interface Decrypter {
  /** The configured keys by which something can be opened on this machine. */
  fun keysOf(ports: Ports, settings: Settings): List<DecryptionKey>

  /**
   * What an answer says of how it is encrypted, and for which keys.
   * @throws UpdateError encryption-unknown or decryption-key-missing, before a byte is fetched
   */
  fun judge(algorithm: String, keyIds: List<String>, keys: List<DecryptionKey>)

  /**
   * Opens a download whose digest was verified into [to], where it is verified when it returns.
   * @throws UpdateError decryption-failed, or hash-mismatch where the disk did not keep what was written
   */
  fun open(
    download: VerifiedDownload,
    to: String,
    expected: ExpectedInside,
    keys: List<DecryptionKey>,
    ports: Ports,
  ): VerifiedDownload
}
