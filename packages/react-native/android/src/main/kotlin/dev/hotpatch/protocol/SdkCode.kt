package dev.hotpatch.protocol

/**
 * Why a device could not take a release. The same list in every SDK: vectors/problems/sdk-codes.json.
 * `isRetryable`: the same release may be tried again later. `blamesRelease`: it is never offered to this device again.
 */
enum class SdkCode(val text: String, val isRetryable: Boolean, val blamesRelease: Boolean) {
  CHECK_FAILED("check-failed", true, false),
  ANSWER_INVALID("answer-invalid", true, false),
  INSECURE_URL("insecure-url", false, false),
  DOWNLOAD_FAILED("download-failed", true, false),
  DOWNLOAD_TIMEOUT("download-timeout", true, false),
  DOWNLOAD_TOO_LARGE("download-too-large", true, false),
  DOWNLOAD_TRUNCATED("download-truncated", true, false),
  PATCH_FAILED("patch-failed", true, false),
  STORAGE_FULL("storage-full", true, false),
  STORAGE_FAILED("storage-failed", true, false),
  HASH_MISMATCH("hash-mismatch", true, false),
  SIGNATURE_MISSING("signature-missing", false, false),
  SIGNATURE_INVALID("signature-invalid", false, false),
  STATEMENT_INVALID("statement-invalid", false, false),
  WRONG_APP("wrong-app", false, false),
  WRONG_PLATFORM("wrong-platform", false, false),
  REQUIREMENT_NOT_MET("requirement-not-met", false, false),
  SEQUENCE_TOO_LOW("sequence-too-low", false, false),
  SEQUENCE_TOO_FAR("sequence-too-far", false, false),
  OLDER_THAN_BINARY("older-than-binary", false, false),
  CATALOG_EXPIRED("catalog-expired", true, false),
  CATALOG_TOO_OLD("catalog-too-old", true, false),
  BELOW_FLOOR("below-floor", false, false),
  ENCRYPTION_UNKNOWN("encryption-unknown", false, false),
  DECRYPTION_KEY_MISSING("decryption-key-missing", false, false),
  DECRYPTION_FAILED("decryption-failed", false, true),
  INSTALL_FAILED("install-failed", true, false),
  ARCHIVE_INVALID("archive-invalid", false, true),
  FILES_INVALID("files-invalid", false, true),
  NOT_CONFIRMED("not-confirmed", false, true),
  CRASHED("crashed", false, true),
  CRASHED_AFTER_CONFIRM("crashed-after-confirm", false, true);

  override fun toString(): String = text

  companion object {
    /** Null for a text that is no code. */
    fun of(text: String): SdkCode? = entries.find { it.text == text }
  }
}
