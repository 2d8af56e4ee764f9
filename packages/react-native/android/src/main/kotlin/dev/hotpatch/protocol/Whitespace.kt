package dev.hotpatch.protocol

/** What JavaScript takes for space: neither Java's set nor that of Android's regular expressions. For use within "[]". */
internal const val SPACE = "\\t-\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"

private val SPACE_AROUND = Regex("^[$SPACE]+|[$SPACE]+\\z")

internal fun trimSpace(text: String): String = text.replace(SPACE_AROUND, "")
