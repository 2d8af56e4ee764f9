package dev.hotpatch.protocol

/** Bytes that a release consists of, whatever its kind. */
data class ContentArtifact(
  /** What the bytes are to the release, such as "bundle.zip". */
  val name: String,
  /** Lower-case hex of the SHA-256 of exactly these bytes. */
  val sha256: String,
  val sizeBytes: Long,
)

/** Signing §1: what does not fit is listed in an artifact whose digest is signed (Content §4). */
const val MAX_ARTIFACTS = 200

internal fun readArtifacts(value: JsonValue?, pointer: String): List<ContentArtifact> {
  val artifacts = readArray(value, pointer, MAX_ARTIFACTS).mapIndexed { index, each -> readArtifact(each, "$pointer/$index") }
  val names = HashSet<String>()
  for ((index, artifact) in artifacts.withIndex()) {
    // Two readers must not take different bytes for the same thing.
    if (!names.add(artifact.name)) throw UnexpectedJsonException("$pointer/$index/name", "a name of its own", artifact.name)
  }
  return artifacts
}

private fun readArtifact(value: JsonValue, pointer: String): ContentArtifact {
  val json = readObject(value, pointer)
  return ContentArtifact(
    name = readString(json["name"], "$pointer/name"),
    sha256 = readSha256(json["sha256"], "$pointer/sha256"),
    sizeBytes = readInteger(json["sizeBytes"], "$pointer/sizeBytes", 0),
  )
}

/** Of a kind that consists of artifacts with names of their own: exactly these, in this order. */
internal fun expectNamed(artifacts: List<ContentArtifact>, vararg names: String) {
  if (artifacts.size != names.size) {
    val expected = if (names.size == 1) "one artifact, \"${names[0]}\"" else "${names.size} artifacts, ${names.joinToString(", ")}"
    throw UnexpectedJsonException("/artifacts", expected, "${artifacts.size} of them")
  }
  for ((index, artifact) in artifacts.withIndex()) {
    if (artifact.name != names[index]) {
      throw UnexpectedJsonException("/artifacts/$index/name", "\"${names[index]}\"", artifact.name)
    }
  }
}

/** What is signed and means nothing would be fetched by one reader and passed over by another. */
internal fun expectAllNamed(artifacts: List<ContentArtifact>, names: Set<String?>) {
  for ((index, artifact) in artifacts.withIndex()) {
    if (artifact.name !in names) {
      throw UnexpectedJsonException("/artifacts/$index/name", "one that the content names", artifact.name)
    }
  }
}

/** The name of an artifact of the same statement. */
internal fun readArtifactName(value: JsonValue?, pointer: String, artifacts: List<ContentArtifact>): String {
  val name = (value as? JsonString)?.value
  if (name != null && artifacts.any { it.name == name }) return name
  throw UnexpectedJsonException(pointer, "the name of one of the artifacts", value)
}
