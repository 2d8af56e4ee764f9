package dev.hotpatch.engine.engine

import dev.hotpatch.engine.ground.EngineConfig
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.bytesFromBase64
import dev.hotpatch.protocol.ENCRYPTION_KEY_BYTES
import dev.hotpatch.protocol.MAX_TRUSTED_KEYS

/** Encryption §1: as many as fit into what a check tells. */
private const val MAX_DECRYPTION_KEYS = 8

/**
 * @throws IllegalArgumentException when a key is not the base64 of 32 bytes, or there are more than 20, or 8 to decrypt by;
 * when there is an edge and no key, or neither server nor edge
 */
internal fun readSettings(config: EngineConfig, limits: Limits): Settings {
  val (publicKeys, decryptionKeys) = config.publicKeys to config.decryptionKeys
  require(config.edge == null || publicKeys.isNotEmpty()) { "an edge needs public keys: nobody else can vouch for it" }
  require(config.edge != null || config.serverUrl.isNotEmpty()) { "expected the address of a server, or an edge" }
  require(publicKeys.size <= MAX_TRUSTED_KEYS) { "at most $MAX_TRUSTED_KEYS public keys, found ${publicKeys.size}" }
  require(decryptionKeys.size <= MAX_DECRYPTION_KEYS) {
    "at most $MAX_DECRYPTION_KEYS decryption keys, found ${decryptionKeys.size}"
  }
  return Settings(
    config = config,
    publicKeys = publicKeys.map { text ->
      requireNotNull(bytesFromBase64(text)?.takeIf { it.size == 32 }) {
        "a public key must be base64 of 32 bytes, found ${text.take(60)}"
      }
    },
    decryptionKeys = decryptionKeys.mapIndexed { index, text ->
      // Never a part of it: messages are logged.
      requireNotNull(bytesFromBase64(text)?.takeIf { it.size == ENCRYPTION_KEY_BYTES }) {
        "decryption key ${index + 1} must be base64 of $ENCRYPTION_KEY_BYTES bytes"
      }
    },
    limits = limits,
  )
}
