package dev.hotpatch.protocol

/** Content §1: what a release's artifacts are to each other. All kinds that release statements have are read, and of most no more is kept than that. */
sealed class ReleaseContent(val kind: String)

/** Content §3: one zip, which devices unpack. */
class ArchiveContent(
  /** Content §3.1: what it unpacks to. Devices that verify signatures take no patches of a release that does not say it. */
  val tree: String?,
  /** Content §3.2: nobody but devices with a key can have it. Null: it is there as it is. */
  val encryption: String?,
) : ReleaseContent("archive")

/** Of a kind that this engine installs nothing of. */
class OtherContent(kind: String) : ReleaseContent(kind)

const val ARCHIVE_NAME = "bundle.zip"

/** Readers that know nothing of encryption refuse a statement with a second artifact. */
const val ENCRYPTED_ARCHIVE_NAME = "bundle.zip.encrypted"
private const val FILES_MANIFEST_NAME = "files.json"

private val KINDS = listOf("archive", "files", "binary")

/** @throws UnexpectedJsonException */
internal fun readReleaseContent(value: JsonValue?, artifacts: List<ContentArtifact>): ReleaseContent {
  val json = readObject(value, "/content")
  val kind = readString(json["kind"], "/content/kind", "one of ${KINDS.joinToString(", ")}") { it in KINDS }
  when (kind) {
    "archive" -> return readArchive(json, artifacts)
    "files" -> expectNamed(artifacts, FILES_MANIFEST_NAME)
    "binary" -> judgeBinary(json, artifacts)
  }
  return OtherContent(kind)
}

private fun readArchive(json: JsonObject, artifacts: List<ContentArtifact>): ArchiveContent {
  val encryption = readOptional(json["encryption"]) { found ->
    readString(found, "/content/encryption", "\"$ENCRYPTION_ALGORITHM\"") { it == ENCRYPTION_ALGORITHM }
  }
  if (encryption == null) expectNamed(artifacts, ARCHIVE_NAME) else expectNamed(artifacts, ARCHIVE_NAME, ENCRYPTED_ARCHIVE_NAME)
  val tree = readOptional(json["tree"]) { readSha256(it, "/content/tree") }
  if (encryption != null && tree == null) {
    throw UnexpectedJsonException("/content/tree", "64 lower-case hex digits, as it is encrypted", null as JsonValue?)
  }
  return ArchiveContent(tree, encryption)
}

private val WORD = Regex("[a-z0-9][a-z0-9._-]{0,31}")
private val BUILD = Regex("[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
private val HTTPS = Regex("https://[^$SPACE\"<>\\\\]{1,2000}")

/** Content §5: whole binaries, by platform, architecture and format. */
private fun judgeBinary(json: JsonObject, artifacts: List<ContentArtifact>) {
  val files = readArray(json["files"], "/content/files", MAX_ARTIFACTS).mapIndexed { index, each ->
    BinaryFile(each, "/content/files/$index", artifacts)
  }
  if (files.isEmpty()) throw UnexpectedJsonException("/content/files", "at least one file", json["files"])
  expectAllNamed(artifacts, files.mapTo(HashSet()) { it.artifact })
  // Two readers must not take different files for the same machine.
  val seen = HashSet<String>()
  for ((index, file) in files.withIndex()) {
    if (!seen.add(file.key)) {
      throw UnexpectedJsonException("/content/files/$index", "another platform, architecture or format", file.key)
    }
  }
}

private class BinaryFile(value: JsonValue, pointer: String, artifacts: List<ContentArtifact>) {
  private val json = readObject(value, pointer)
  val artifact = readOptional(json["artifact"]) { readArtifactName(it, "$pointer/artifact", artifacts) }
  val key: String

  init {
    val url = readOptional(json["url"]) { readString(it, "$pointer/url", "an address that begins with https://", HTTPS::matches) }
    val deltaFrom = readOptional(json["deltaFrom"]) { readString(it, "$pointer/deltaFrom", "a build, such as 41", BUILD::matches) }
    if (artifact == null && url == null) {
      val expected = "the name of one of the artifacts, or a url beside"
      throw UnexpectedJsonException("$pointer/artifact", expected, null as JsonValue?)
    }
    val platform = readPlatform(json["platform"], "$pointer/platform")
    val (architecture, format) = listOf("architecture", "format").map { name ->
      readString(json[name], "$pointer/$name", "a short word in lower case", WORD::matches)
    }
    key = "$platform $architecture $format ${deltaFrom ?: ""}".trim()
  }
}
