package dev.hotpatch.protocol

/**
 * Versions §4: which native versions a release runs on, in the notation of npm ranges:
 * `>=1.2 <3`, `^1.4.0`, `~2.1`, `1.x`, `1.2 - 2.3`, joined by `||`.
 * Unlike npm, a pre-release is compared like any other version.
 *
 * @property alternatives any one of these must hold; within one, every bound
 */
class NativeRange internal constructor(internal val alternatives: List<List<Bound>>)

internal class Bound(val operator: String, val version: NativeVersion)

private val COMPARATOR = Regex(
  "(<=|>=|<|>|=|\\^|~)?v?((?:[0-9]{1,15}|[xX*])(?:\\.(?:[0-9]{1,15}|[xX*])){0,3})" +
    "((?:-[0-9A-Za-z.-]+)?(?:\\+[0-9]{1,15})?)",
)
private val HYPHEN = Regex("([^$SPACE]+)[$SPACE]+-[$SPACE]+([^$SPACE]+)")
private val OPERATOR_AND_SPACE = Regex("([<>=^~])[$SPACE]+(?=[vxX*0-9])")
private val BETWEEN = Regex("[$SPACE]+")
private const val MAX_BOUNDS = 64

/** Null when [text] is not a range, is longer than 256 characters, or has an alternative of more than 64 bounds. */
fun parseNativeRange(text: String): NativeRange? {
  if (text.length > 256) return null
  val alternatives = text.split("||").map { alternative ->
    val bounds = parseAlternative(trimSpace(alternative)) ?: return null
    if (bounds.size > MAX_BOUNDS) return null
    bounds
  }
  return NativeRange(alternatives)
}

fun isInNativeRange(version: NativeVersion, range: NativeRange): Boolean =
  range.alternatives.any { bounds -> bounds.all { isWithin(version, it) } }

private fun isWithin(version: NativeVersion, bound: Bound): Boolean {
  val order = compareWithBound(version, bound.version)
  return when (bound.operator) {
    "<" -> order < 0
    "<=" -> order <= 0
    ">" -> order > 0
    ">=" -> order >= 0
    else -> order == 0
  }
}

private fun parseAlternative(text: String): List<Bound>? {
  HYPHEN.matchEntire(text)?.let { hyphen ->
    val from = parseComparator(">=${hyphen.groupValues[1]}") ?: return null
    val to = parseComparator("<=${hyphen.groupValues[2]}") ?: return null
    return from + to
  }
  // ">= 1.0" is common: join an operator with the version that follows it. "> = 1" is a slip, and stays one.
  return text.replace(OPERATOR_AND_SPACE, "$1").split(BETWEEN).flatMap { parseComparator(it) ?: return null }
}

private fun parseComparator(word: String): List<Bound>? {
  val (operator, dotted, suffix) = (COMPARATOR.matchEntire(word) ?: return null).destructured
  val written = dotted.split('.')
  val parts = written.takeWhile(::isDigits).map { it.toLong() }
  // "1.x.3" means nothing; read as "1.x" it would mean more than was written.
  if (written.drop(parts.size).any(::isDigits)) return null
  val isPartial = parts.size < written.size || parts.size < 3
  if (suffix.isNotEmpty() && isPartial) return null
  if (parts.isEmpty()) return if (operator == "<" || operator == ">") null else emptyList()
  return expand(operator, parts, suffix, isPartial)
}

/** Npm's rules for partial versions, tilde and caret, as plain bounds. */
private fun expand(operator: String, parts: List<Long>, suffix: String, isPartial: Boolean): List<Bound>? {
  val low = parseNativeVersion(parts.joinToString(".") + suffix) ?: return null
  val afterLast = versionAfter(parts, parts.size - 1)
  return when (operator) {
    "^" -> {
      val firstNonZero = parts.indexOfFirst { it > 0 }
      listOf(atLeast(low), below(versionAfter(parts, if (firstNonZero == -1) parts.size - 1 else firstNonZero)))
    }
    "~" -> listOf(atLeast(low), below(versionAfter(parts, minOf(1, parts.size - 1))))
    ">" -> listOf(if (isPartial) atLeast(afterLast) else Bound(">", low))
    "<=" -> listOf(if (isPartial) below(afterLast) else Bound("<=", low))
    "<" -> listOf(if (isPartial) below(low) else Bound("<", low))
    ">=" -> listOf(atLeast(low))
    else -> if (isPartial) listOf(atLeast(low), below(afterLast)) else listOf(Bound("=", low))
  }
}

private fun versionAfter(parts: List<Long>, index: Int): NativeVersion {
  val raised = parts.subList(0, index).plus(parts[index] + 1)
  return NativeVersion(raised, prerelease = emptyList(), build = null)
}

private fun atLeast(bound: NativeVersion) = Bound(">=", bound)

/** `-0` is the lowest pre-release, so that 2.0.0-beta is not "below 2". */
private fun below(bound: NativeVersion): Bound {
  val prerelease = bound.prerelease.ifEmpty { listOf("0") }
  return Bound("<", NativeVersion(bound.parts, prerelease, bound.build))
}
