package dev.hotpatch.protocol

/**
 * Versions §2: what app stores and operating systems call a version: "1", "2.0", "1.2.3.4", "1.2.3-rc.1", "1.2.3+45".
 * Missing parts are zero; [build] is null when the text names none.
 */
class NativeVersion(val parts: List<Long>, val prerelease: List<String>, val build: Long?)

private val NATIVE =
  Regex("v?([0-9]{1,15}(?:\\.[0-9]{1,15}){0,3})(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+([0-9A-Za-z.-]+))?")
private val BINARY = Regex("(?:0|[1-9][0-9]{0,14})(?:\\.(?:0|[1-9][0-9]{0,14})){2}(?:\\+[0-9]{1,15})?")

/** Null when [text] is no version at all, is longer than 64 characters, or has a part of more than 15 digits. */
fun parseNativeVersion(text: String): NativeVersion? {
  val groups = (if (text.length <= 64) NATIVE.matchEntire(trimSpace(text)) else null)?.groupValues ?: return null
  val build = groups[3]
  return NativeVersion(
    parts = groups[1].split('.').map { it.toLong() },
    prerelease = parsePrerelease(groups[2]),
    build = if (build.length <= 15 && isDigits(build)) build.toLong() else null,
  )
}

/** Versions §3: strictly MAJOR.MINOR.PATCH with an optional +BUILD number, as whole app binaries carry it. */
fun parseBinaryVersion(text: String): NativeVersion? = if (BINARY.matches(text)) parseNativeVersion(text) else null

/**
 * Negative when [a] comes first, 0 when equal, positive when [b] comes first.
 * Versions §3: the build number decides last, and a missing one counts as 0.
 */
fun compareNativeVersions(a: NativeVersion, b: NativeVersion): Int {
  val order = compareIgnoringBuild(a, b)
  return if (order != 0) order else (a.build ?: 0).compareTo(b.build ?: 0)
}

/** As [compareNativeVersions], but a bound that names no build number accepts every build (Versions §4). */
fun compareWithBound(version: NativeVersion, bound: NativeVersion): Int =
  if (bound.build == null) compareIgnoringBuild(version, bound) else compareNativeVersions(version, bound)

private fun compareIgnoringBuild(a: NativeVersion, b: NativeVersion): Int {
  for (index in 0 until maxOf(a.parts.size, b.parts.size)) {
    val order = (a.parts.getOrNull(index) ?: 0).compareTo(b.parts.getOrNull(index) ?: 0)
    if (order != 0) return order
  }
  return comparePrereleases(a.prerelease, b.prerelease)
}
