package dev.hotpatch.protocol

/** The first field of every statement, so that a signature can never pass for one over something else. */
const val RELEASE_STATEMENT_TYPE = "hotpatch.release.v1"

/** Signing §4: a device refuses longer statements unread. */
const val MAX_STATEMENT_BYTES = 64 * 1024

enum class StatementTarget(val text: String) { RELEASE("release"), EMBEDDED("embedded") }

/**
 * Signing §1: what a publisher signs. All that a device decides on lies inside the signature.
 * A roll-back is the same content stated again under a higher sequence; [StatementTarget.EMBEDDED] sends
 * devices back to what their binary shipped with and has no content.
 */
class ReleaseStatement(
  val appId: String,
  /** One of [PLATFORMS]. */
  val platform: String,
  val target: StatementTarget,
  /** The release's version; "embedded" when that is the target. */
  val version: String,
  /** Rises with every statement for (app, platform); a device refuses one lower than it has seen. */
  val sequence: Long,
  /**
   * A device that has seen this statement never again accepts a lower sequence than this, nor embedded unsigned.
   * 0 sets no floor; never above the statement's own sequence.
   */
  val floor: Long,
  val requirement: Requirement,
  /** Null: what the binary shipped with. */
  val content: ReleaseContent?,
  /** All bytes of the content, whatever its kind. */
  val artifacts: List<ContentArtifact>,
  /** ISO 8601 in UTC. Decides for devices that know when their binary was built (Engine §4), else it is for people. */
  val createdAt: String,
)

/**
 * Signing §3: reads a statement, after its signature was verified over the bytes that [text] came from.
 * Fields that it does not know are allowed, and ignored.
 *
 * @throws UnexpectedJsonException with the place of the first thing that is not as it must be
 */
fun readReleaseStatement(text: String): ReleaseStatement {
  val json = readObject(readJson(text), "")
  val type = readString(json["type"], "/type")
  if (type != RELEASE_STATEMENT_TYPE) throw UnexpectedJsonException("/type", "\"$RELEASE_STATEMENT_TYPE\"", type)
  val target = readTarget(json["target"])
  val artifacts = readArtifacts(json["artifacts"], "/artifacts")
  val content = if (target == StatementTarget.RELEASE) readReleaseContent(json["content"], artifacts) else null
  if (target == StatementTarget.EMBEDDED) expectNothing(json, artifacts)
  val version = readString(json["version"], "/version")
  if (target == StatementTarget.EMBEDDED && version != target.text) {
    throw UnexpectedJsonException("/version", "\"embedded\", as that is the target", version)
  }
  val sequence = readInteger(json["sequence"], "/sequence", 1)
  val floor = readInteger(json["floor"], "/floor", 0)
  // Such a release would be below its own floor, and nothing could ever be offered again.
  if (floor > sequence) throw UnexpectedJsonException("/floor", "at most the sequence, $sequence", json["floor"])
  return ReleaseStatement(
    appId = readString(json["appId"], "/appId"),
    platform = readPlatform(json["platform"], "/platform"),
    target = target,
    version = version,
    sequence = sequence,
    floor = floor,
    requirement = readRequirement(json["requirement"]),
    content = content,
    artifacts = artifacts,
    createdAt = readString(json["createdAt"], "/createdAt"),
  )
}

private fun readTarget(value: JsonValue?): StatementTarget {
  val text = (value as? JsonString)?.value
  return StatementTarget.entries.find { it.text == text }
    ?: throw UnexpectedJsonException("/target", "\"release\" or \"embedded\"", value)
}

private fun expectNothing(json: JsonObject, artifacts: List<ContentArtifact>) {
  if (artifacts.isNotEmpty()) {
    throw UnexpectedJsonException("/artifacts", "no artifacts, as the target is embedded", json["artifacts"])
  }
  if (json["content"] != null) {
    throw UnexpectedJsonException("/content", "no content, as the target is embedded", json["content"])
  }
}

/** @throws UnexpectedJsonException */
internal fun readRequirement(value: JsonValue?, pointer: String = "/requirement"): Requirement {
  val json = readObject(value, pointer)
  fun text(name: String) = readOptional(json[name]) { readString(it, "$pointer/$name") }
  return Requirement(
    minNativeVersion = text("minNativeVersion"),
    nativeRange = text("nativeRange"),
    runtimeVersion = text("runtimeVersion"),
    minOsVersion = text("minOsVersion"),
    architectures = readOptional(json["architectures"]) { readArchitectures(it, "$pointer/architectures") },
  )
}

private fun readArchitectures(value: JsonValue, pointer: String): List<String> {
  val names = readArray(value, pointer, MAX_ARCHITECTURES)
  if (names.isEmpty()) throw UnexpectedJsonException(pointer, "at least one architecture", value)
  return names.mapIndexed { index, name -> readString(name, "$pointer/$index") }
}
