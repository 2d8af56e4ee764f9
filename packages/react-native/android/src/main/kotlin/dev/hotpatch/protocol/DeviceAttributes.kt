package dev.hotpatch.protocol

/**
 * How one attribute is compared.
 * @property maxLength what is longer is cut
 * @property isVersion a range says something of it
 */
class AttributeKind(val maxLength: Int, val isVersion: Boolean = false)

/** What a device may tell of itself besides the versions that requirements are about, and what clients of others tell. */
val DEVICE_ATTRIBUTES: Map<String, AttributeKind> = linkedMapOf(
  "osVersion" to AttributeKind(64, isVersion = true),
  "model" to AttributeKind(200),
  "locale" to AttributeKind(64),
  "nativeBuild" to AttributeKind(64),
  "architecture" to AttributeKind(64),
  "sdkVersion" to AttributeKind(64, isVersion = true),
  "decryptionKeyId" to AttributeKind(140),
  "answerKeyId" to AttributeKind(64),
  "embeddedUpdateId" to AttributeKind(64),
  "rolloutCohort" to AttributeKind(64),
  "installerFormats" to AttributeKind(200),
  "isEmulator" to AttributeKind(5),
  "isProduction" to AttributeKind(5),
  "installSource" to AttributeKind(64),
)

/* "\d" is more than ten digits on Android. */
private val CUSTOM_ATTRIBUTE = Regex("custom\\.[a-z0-9][a-z0-9._-]{0,39}")

/** What an app tells of itself by a name of its own. */
fun isCustomAttribute(name: String): Boolean = CUSTOM_ATTRIBUTE.matches(name)
