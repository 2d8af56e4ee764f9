package dev.hotpatch.protocol

import dev.hotpatch.testing.at
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class VersionsTest {
  private val vectors = readVectors("versions.json")

  @Test
  fun `semantic versions`() = play("semver", ::parseSemver, ::compareSemver)

  @Test
  fun `native versions`() = play("native", ::parseNativeVersion, ::compareNativeVersions)

  @Test
  fun `versions of whole binaries`() = play("binary", ::parseBinaryVersion, ::compareNativeVersions)

  private fun <Version : Any> play(kind: String, parse: (String) -> Version?, compare: (Version, Version) -> Int) {
    fun order(a: String, b: String): Int = Integer.signum(compare(parse(a)!!, parse(b)!!))
    vectors.at(kind).forEachCase("chains") { case ->
      val versions = case.texts("versions")
      for ((index, a) in versions.withIndex()) {
        assertEquals("$a is itself", 0, order(a, a))
        for (b in versions.drop(index + 1)) {
          assertEquals("$a is below $b", -1, order(a, b))
          assertEquals("$b is above $a", 1, order(b, a))
        }
      }
    }
    vectors.at(kind).forEachCase("equal") { case ->
      for (a in case.texts("versions")) for (b in case.texts("versions")) assertEquals("$a and $b", 0, order(a, b))
    }
    vectors.at(kind).forEachCase("invalid") { case -> assertNull(case.text("text"), parse(case.text("text"))) }
  }

  @Test
  fun `ranges of native versions`() {
    val ranges = readVectors("native-ranges.json")
    ranges.forEachCase("ranges") { case ->
      val range = parseNativeRange(case.text("range"))!!
      for (version in case.texts("inside")) assertTrue(version, isInNativeRange(parseNativeVersion(version)!!, range))
      for (version in case.texts("outside")) assertFalse(version, isInNativeRange(parseNativeVersion(version)!!, range))
    }
    ranges.forEachCase("invalid") { case -> assertNull(case.text("text"), parseNativeRange(case.text("text"))) }
  }

  @Test
  fun `what is asked of a shell, in the order in which it is judged`() {
    val all = Requirement("2.0", ">=1 <4", "r1", "14", listOf("ARM64"))
    fun reason(requirement: Requirement = all, native: String? = "2.1", runtime: String? = "r1", os: String? = "14.1", architecture: String? = "arm64") =
      requirementReason(
        compileRequirement(requirement),
        RequirementSubject(native?.let(::parseNativeVersion), runtime, os, architecture),
      )?.text
    assertNull(reason())
    assertNull(reason(Requirement(), null, null, null, null))
    assertEquals("native-too-old", reason(native = "1.9"))
    assertEquals("native-out-of-range", reason(native = "4"))
    assertEquals("native-version-unknown", reason(native = null))
    assertEquals("os-too-old", reason(os = "13"))
    assertEquals("os-version-unknown", reason(os = null))
    assertEquals("os-version-unknown", reason(os = "Tiramisu"))
    assertEquals("architecture-mismatch", reason(architecture = "x86_64"))
    assertEquals("architecture-unknown", reason(architecture = null))
    assertEquals("runtime-mismatch", reason(runtime = null, architecture = null))
    assertEquals("requirement-unreadable", reason(all.copy(nativeRange = "> = 1"), runtime = null))
    assertEquals("requirement-unreadable", reason(all.copy(minOsVersion = "")))
    assertEquals("requirement-unreadable", reason(all.copy(minNativeVersion = "two")))
  }
}
