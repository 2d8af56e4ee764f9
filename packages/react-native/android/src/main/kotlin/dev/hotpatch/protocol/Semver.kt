package dev.hotpatch.protocol

/**
 * Versions §1: Semantic Versioning 2.0.0, parsed.
 * @property prerelease numbers without leading zeros
 * @property build kept for display and never compared
 */
class SemanticVersion(
  val major: Long,
  val minor: Long,
  val patch: Long,
  val prerelease: List<String>,
  val build: String,
)

/* "\d" is more than ten digits on Android. */
private const val NUMBER = "(0|[1-9][0-9]{0,15})"
private const val IDENTIFIER = "(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
private val SEMVER = Regex(
  "$NUMBER\\.$NUMBER\\.$NUMBER(?:-($IDENTIFIER(?:\\.$IDENTIFIER)*))?(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?",
)

/** Null when [text] is not exactly a semantic version of at most 256 characters, with numbers up to 2^53 − 1. */
fun parseSemver(text: String): SemanticVersion? {
  val groups = (if (text.length <= 256) SEMVER.matchEntire(text) else null)?.groupValues ?: return null
  val (major, minor, patch) = groups.subList(1, 4).map { it.toLong() }
  if (major > MAX_SAFE_INTEGER || minor > MAX_SAFE_INTEGER || patch > MAX_SAFE_INTEGER) return null
  return SemanticVersion(major, minor, patch, parsePrerelease(groups[4]), groups[5])
}

internal fun parsePrerelease(text: String): List<String> =
  // Only lenient versions have leading zeros (Versions §2).
  if (text.isEmpty()) emptyList() else text.split('.').map { if (isDigits(it)) withoutLeadingZeros(it) else it }

/** Semver §11 precedence: negative when [a] comes first, 0 when equal, positive when [b] comes first. */
fun compareSemver(a: SemanticVersion, b: SemanticVersion): Int {
  if (a.major != b.major) return a.major.compareTo(b.major)
  if (a.minor != b.minor) return a.minor.compareTo(b.minor)
  if (a.patch != b.patch) return a.patch.compareTo(b.patch)
  return comparePrereleases(a.prerelease, b.prerelease)
}

/** Semver §11.3–11.4: a release comes after its pre-releases; numbers before words; fewer fields before more. */
internal fun comparePrereleases(a: List<String>, b: List<String>): Int {
  if (a.isEmpty() || b.isEmpty()) return b.size - a.size
  for (index in 0 until minOf(a.size, b.size)) {
    val order = compareIdentifiers(a[index], b[index])
    if (order != 0) return order
  }
  return a.size - b.size
}

private fun compareIdentifiers(a: String, b: String): Int {
  val isNumber = isDigits(a)
  if (isNumber != isDigits(b)) return if (isNumber) -1 else 1
  // Without leading zeros, the longer number is the larger one.
  return if (isNumber && a.length != b.length) a.length - b.length else a.compareTo(b)
}

internal fun isDigits(text: String): Boolean = text.isNotEmpty() && text.all { it in '0'..'9' }

private fun withoutLeadingZeros(digits: String): String = digits.trimStart('0').ifEmpty { "0" }
