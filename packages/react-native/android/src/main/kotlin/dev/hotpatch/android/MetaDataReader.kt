package dev.hotpatch.android

import android.os.Bundle
import android.util.Base64
import dev.hotpatch.engine.ground.AllowInsecure
import dev.hotpatch.engine.ground.EdgeConfig
import dev.hotpatch.engine.ground.EdgeOrder
import dev.hotpatch.engine.ground.isAllowedAddress
import java.text.ParsePosition
import java.text.SimpleDateFormat
import java.util.Locale
import java.util.TimeZone

private const val PREFIX = "dev.hotpatch."
private const val PIN_PREFIX = "sha256/"
private const val KEY_BYTES = 32
private const val MAX_PINS = 50
private const val SHOWN = 60
private val EDGE_ORDERS = mapOf("first" to EdgeOrder.FIRST, "fallback" to EdgeOrder.FALLBACK)

private val BASE64 = Regex("[A-Za-z0-9+/]+={0,2}")
/** Of a name, or of any one name before it (`*.`). OkHttp has `**.` as well, of which iOS knows nothing. */
private val HOST = Regex("(?:\\*\\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
private val TIME = Regex("\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z")

/** Reads what is there, and notes what it cannot read. Android has made numbers and truths of texts that look like them. */
internal class MetaDataReader(private val bundle: Bundle) {
  val mistakes = mutableListOf<String>()
  private val known = mutableListOf<String>()

  fun text(name: String): String? {
    known += PREFIX + name
    @Suppress("DEPRECATION") // The one that names a type knows no "whatever it is".
    return bundle.get(PREFIX + name)?.toString()?.trim()?.ifEmpty { null }
  }

  /** @param isSecret nothing of it is shown: logs are read by others */
  fun keys(name: String, most: Int, isSecret: Boolean): List<String> {
    val found = list(name)
    if (found.size > most) refuse(name, "up to $most keys", "${found.size}")
    found.forEachIndexed { index, key ->
      if (bytesOf(key)?.size == KEY_BYTES) return@forEachIndexed
      refuse(name, "base64 of $KEY_BYTES bytes as key ${index + 1}", if (isSecret) "something else" else shown(key))
    }
    return found
  }

  /** `host=sha256/…,host=sha256/…` */
  fun pins(name: String): List<CertificatePin> {
    val found = list(name)
    if (found.size > MAX_PINS) refuse(name, "up to $MAX_PINS pins", "${found.size}")
    return found.mapNotNull { text ->
      val host = text.substringBefore('=')
      val pin = text.substringAfter('=', "")
      val isPin = pin.startsWith(PIN_PREFIX) && bytesOf(pin.removePrefix(PIN_PREFIX))?.size == KEY_BYTES
      if (isPin && HOST.matches(host)) return@mapNotNull CertificatePin(host, pin)
      refuse(name, "host=$PIN_PREFIX… with base64 of $KEY_BYTES bytes", shown(text))
      null
    }
  }

  fun insecureAddresses(name: String): AllowInsecure = when (val found = text(name)) {
    null, "false" -> AllowInsecure.NEVER
    "loopback" -> AllowInsecure.LOOPBACK
    "true" -> AllowInsecure.ANYWHERE
    else -> AllowInsecure.NEVER.also { refuse(name, "false, loopback or true", shown(found)) }
  }

  /** @param hasKeys without public keys nobody could vouch for what an edge says */
  fun edge(urlName: String, orderName: String, hasKeys: Boolean): EdgeConfig? {
    val (url, order) = text(urlName) to text(orderName)
    if (order != null && order !in EDGE_ORDERS) refuse(orderName, EDGE_ORDERS.keys.joinToString(" or "), shown(order))
    if (url == null) {
      if (order != null) refuse(orderName, "$PREFIX$urlName beside it", "none")
      return null
    }
    val isAddress = isAllowedAddress(url, AllowInsecure.ANYWHERE) && '?' !in url && '#' !in url
    if (!isAddress) refuse(urlName, "an address that begins with https:// and has neither ? nor #", shown(url))
    if (!hasKeys) refuse(urlName, "${PREFIX}publicKeys beside it, as nobody else can vouch for an edge", "none")
    return EdgeConfig(url, EDGE_ORDERS[order] ?: EdgeOrder.FIRST)
  }

  /** In milliseconds since 1970. java.time is of API 26. */
  fun time(name: String): Long? {
    val found = text(name) ?: return null
    val format = SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'Z'", Locale.ROOT)
    format.timeZone = TimeZone.getTimeZone("UTC")
    format.isLenient = false
    val time = if (TIME.matches(found)) format.parse(found, ParsePosition(0))?.time else null
    if (time == null) refuse(name, "a time such as 2027-01-31T12:00:00Z", shown(found))
    return time
  }

  /** A name that was mistyped would be a key that nobody looks at. */
  fun refuseUnknownNames() {
    for (name in bundle.keySet().sorted()) {
      if (!name.startsWith(PREFIX) || name in known) continue
      mistakes += "$name in the manifest: expected one of ${known.joinToString()}."
    }
  }

  private fun list(name: String): List<String> =
    text(name)?.split(',')?.map { it.trim() }?.filter { it.isNotEmpty() } ?: emptyList()

  private fun refuse(name: String, expected: String, found: String) {
    mistakes += "$PREFIX$name in the manifest: expected $expected, found $found."
  }

  private fun shown(text: String): String = "\"${text.take(SHOWN)}\""

  private fun bytesOf(text: String): ByteArray? = try {
    if (BASE64.matches(text)) Base64.decode(text, Base64.NO_WRAP) else null
  } catch (_: IllegalArgumentException) {
    null // It is no base64: that is the answer.
  }
}
