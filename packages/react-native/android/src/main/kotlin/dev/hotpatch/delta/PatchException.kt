package dev.hotpatch.delta

/** Patches §7. */
enum class PatchErrorCode(val text: String) {
  PATCH_DAMAGED("patch-damaged"),
  PATCH_TOO_LARGE("patch-too-large"),
  PACKING_UNSUPPORTED("packing-unsupported"),
  BASE_DIFFERS("base-differs"),
  RESULT_DIFFERS("result-differs");

  override fun toString(): String = text
}

/** Why a patch was not applied. Whoever applies it then takes the full download. */
class PatchException(val code: PatchErrorCode, message: String, cause: Throwable? = null) : Exception(message, cause)

/** Reads `throw damaged("Expected …, found …")`. */
internal fun damaged(message: String) = PatchException(PatchErrorCode.PATCH_DAMAGED, message)
