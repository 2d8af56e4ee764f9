package dev.hotpatch.delta

import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.TreeFile
import dev.hotpatch.testing.TestCrypto
import dev.hotpatch.testing.TestUnpacking
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.items
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import java.util.Base64
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

class TreePatchTest {
  private val vectors = readVectors("patches/tree.json")
  private val unpacking = Unpacking(TestUnpacking::inflate, TestUnpacking::unpackBrotli)

  private fun bytesOf(text: String): ByteArray = Base64.getDecoder().decode(text)

  private fun files(case: JsonValue, name: String): Map<String, ByteArray> =
    (case.at(name) as JsonObject).fields.mapValues { bytesOf(it.value.text) }

  private fun treeOf(files: Map<String, ByteArray>): List<TreeFile> =
    files.map { (path, bytes) -> TreeFile(path, bytes.size.toLong(), TestCrypto.sha256Of(bytes)) }

  private class Source(private val bytes: ByteArray) : PatchSource {
    override val sizeBytes = bytes.size.toLong()

    override fun read(offset: Long, length: Int): ByteArray = bytes.copyOfRange(offset.toInt(), offset.toInt() + length)
  }

  private fun apply(case: JsonValue, unpacking: Unpacking = this.unpacking): Map<String, ByteArray> {
    val base = files(case, "base")
    val limits = case.find("limits")?.let { TreeLimits(it.long("maxFileBytes").toInt(), it.long("maxTargetBytes")) }
    val patch = readTreePatch(
      TreePatchInput(
        patch = Source(bytesOf(case.text("patch"))),
        base = treeOf(base),
        targetSha256 = case.text("targetSha256"),
        sha256 = TestCrypto::sha256,
        unpacking = unpacking,
        limits = limits ?: TreeLimits(1_000_000, 1_000_000),
      ),
    )
    val made = HashMap<String, ByteArray>()
    for (each in patch.files) (each.from as? FileOrigin.Same)?.let { made[each.file.path] = base.getValue(it.base.path) }
    patch.make({ base.getValue(it.path) }) { each, bytes -> made[each.file.path] = bytes }
    return made
  }

  private fun shown(files: Map<String, ByteArray>) = files.mapValues { Base64.getEncoder().encodeToString(it.value) }

  @Test
  fun `makes the target of the base`() = vectors.forEachCase("made") { case ->
    assertEquals(case.text("baseSha256"), treeDigest(treeOf(files(case, "base")), TestCrypto::sha256))
    assertEquals(case.text("targetSha256"), treeDigest(treeOf(files(case, "target")), TestCrypto::sha256))
    assertEquals(shown(files(case, "target")), shown(apply(case)))
  }

  @Test
  fun `refuses what is not as it must be`() = vectors.forEachCase("refused") { case ->
    val refusal = assertThrows(PatchException::class.java) { apply(case) }
    assertEquals(case.text("code"), refusal.code.text)
  }

  @Test
  fun `what this machine does not unpack`() {
    for (case in vectors.items("made")) {
      val refusal = assertThrows(PatchException::class.java) { apply(case, Unpacking(null, null)) }
      assertEquals(PatchErrorCode.PACKING_UNSUPPORTED, refusal.code)
    }
  }
}
