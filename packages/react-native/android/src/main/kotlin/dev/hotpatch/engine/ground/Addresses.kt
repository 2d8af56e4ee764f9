package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.utf8FromText

// "@" is refused, as "http://localhost@example.com" is not localhost; a backslash is a slash to some readers. Classes and
// letters are spelled out: what \s, \d and "in any case" mean is not the same on Android and on other machines.
private const val SPACE = "\\u0009-\\u000d\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
private val ADDRESS = Regex(
  "([Hh][Tt][Tt][Pp][Ss]?)://([^/?#@\\\\$SPACE]+)((?:/[^?#\\\\$SPACE]*)?)(\\?[^#\\\\$SPACE]*)?(?:#[^\\\\$SPACE]*)?",
)
private val LOOPBACK =
  Regex("(?:[Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]|127(?:\\.[0-9]{1,3}){3}|\\[::1\\])(?::[0-9]+)?")

private class Address(val scheme: String, val host: String)

private fun readAddress(url: String): Address? {
  val (scheme, host) = ADDRESS.matchEntire(url)?.destructured ?: return null
  return Address(scheme, host)
}

/** Only https:, unless the app allows this address in the clear. */
fun isAllowedAddress(url: String, allowInsecure: AllowInsecure): Boolean {
  val address = readAddress(url) ?: return false
  if (address.scheme.length == "https".length || allowInsecure == AllowInsecure.ANYWHERE) return true
  return allowInsecure == AllowInsecure.LOOPBACK && LOOPBACK.matches(address.host)
}

/** Where a redirect leads: an absolute address, or a path on the same host. Null for anything else. */
fun resolveLocation(from: String, location: String?): String? {
  val address = readAddress(from)
  if (location.isNullOrEmpty() || address == null) return null
  if (readAddress(location) != null) return location
  if (location.startsWith("//")) return "${address.scheme}:$location"
  return if (location.startsWith("/")) "${address.scheme}://${address.host}$location" else null
}

private const val PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"
private const val DIGITS = "0123456789ABCDEF"

/** One name within a path, as `encodeURIComponent` writes it. */
fun encodePathSegment(text: String): String = buildString {
  for (byte in utf8FromText(text)) {
    val code = byte.toInt() and 0xff
    val character = code.toChar()
    if (character in PLAIN) append(character) else append('%').append(DIGITS[code shr 4]).append(DIGITS[code and 0xf])
  }
}
