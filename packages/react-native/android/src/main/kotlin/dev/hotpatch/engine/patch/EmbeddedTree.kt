package dev.hotpatch.engine.patch

import dev.hotpatch.delta.treeDigest
import dev.hotpatch.delta.treeFault
import dev.hotpatch.engine.ground.Binary
import dev.hotpatch.engine.ground.EmbeddedFile
import dev.hotpatch.engine.ground.EmbeddedFilesPort
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.binaryOf
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.orJsonNull
import dev.hotpatch.engine.ground.readBinary
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.writeBinary
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.engine.state.EMBEDDED
import dev.hotpatch.engine.state.ROOT
import dev.hotpatch.engine.state.ReleaseFile
import dev.hotpatch.engine.state.hashFile
import dev.hotpatch.engine.state.readReleaseFiles
import dev.hotpatch.engine.state.writeReleaseFiles
import dev.hotpatch.protocol.JsonNumber
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

/** What the binary shipped with. `tree`: Patches §4. */
class EmbeddedTree(val tree: String, val files: List<ReleaseFile>)

private class KnownTree(val embedded: EmbeddedTree, val binary: Binary, val builtAt: Long?)

private const val MAX_SAFE_INTEGER = 9_007_199_254_740_991

/**
 * Engine §5: hashed once for each binary, and remembered in ota/embedded.json. Nothing is trusted in it: what is read as a
 * base is hashed again. Null where the host does not show it, or shows what no release could be.
 */
fun findEmbeddedTree(ports: Ports, limits: Limits): EmbeddedTree? {
  val embeddedFiles = ports.embeddedFiles ?: return null
  val listed = embeddedFiles.list()
  if (!isTree(listed, limits)) return null
  val known = readJsonFile(ports.files, EMBEDDED, ::readKnownTree)
  val (binary, builtAt) = binaryOf(ports.host) to ports.host.builtAt
  if (known?.builtAt == builtAt && known?.binary == binary && isListOf(known.embedded, listed)) return known.embedded
  val found = hashTree(ports, embeddedFiles, listed)
  remember(ports, KnownTree(found, binary, builtAt))
  return found
}

/** It turned out to be something else: the next time it is hashed anew. */
fun forgetEmbeddedTree(ports: Ports) = ports.files.remove(EMBEDDED)

private fun isTree(listed: List<EmbeddedFile>, limits: Limits): Boolean {
  if (listed.isEmpty() || listed.size > limits.fileCount) return false
  var bytes = 0L
  for (file in listed) {
    bytes += file.sizeBytes
    if (file.sizeBytes !in 0..MAX_SAFE_INTEGER || bytes > limits.unpackedBytes) return false
  }
  return treeFault(listed.map { it.path }) == null
}

private fun isListOf(known: EmbeddedTree, listed: List<EmbeddedFile>): Boolean {
  val sizes = known.files.associate { it.path to it.sizeBytes }
  return sizes.size == listed.size && listed.all { sizes[it.path] == it.sizeBytes }
}

private fun hashTree(ports: Ports, from: EmbeddedFilesPort, listed: List<EmbeddedFile>): EmbeddedTree {
  val files = listed.map { (path, sizeBytes) ->
    val sha256 = hashFile(ports.crypto, sizeBytes) { offset, length -> from.readRange(path, offset, length) }
    ReleaseFile(path, sizeBytes, sha256)
  }
  return EmbeddedTree(treeDigest(files, ports.crypto::sha256), files)
}

/** A full disk: it is hashed again the next time. */
private fun remember(ports: Ports, known: KnownTree) {
  runCatching {
    ports.files.makeDirectory(ROOT)
    writeJsonFile(ports.files, EMBEDDED, writeKnownTree(known))
  }
}

private fun readKnownTree(value: JsonValue?): KnownTree {
  val json = readObject(value, "")
  return KnownTree(
    binary = readBinary(json["binary"], "/binary"),
    builtAt = (json["builtAt"] as? JsonNumber)?.value?.toLong(),
    embedded = EmbeddedTree(readString(json["tree"], "/tree"), readReleaseFiles(json["files"])),
  )
}

private fun writeKnownTree(known: KnownTree): JsonObject = jsonOf(
  "files" to writeReleaseFiles(known.embedded.files),
  "tree" to known.embedded.tree,
  "binary" to writeBinary(known.binary),
  "builtAt" to known.builtAt.orJsonNull(),
)
