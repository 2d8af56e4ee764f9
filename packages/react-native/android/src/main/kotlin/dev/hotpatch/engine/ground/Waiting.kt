package dev.hotpatch.engine.ground

import java.text.ParsePosition
import java.text.SimpleDateFormat
import java.util.Date
import java.util.Locale
import java.util.TimeZone
import kotlin.math.min
import kotlin.math.pow

/** Full jitter, so that a fleet that failed together does not come back together. */
fun backOff(clock: ClockPort, attempt: Int, limits: Limits): Long =
  (clock.random() * min(limits.backOffMaxMs.toDouble(), limits.backOffMs * 2.0.pow(attempt))).toLong()

/**
 * Milliseconds, from seconds or an HTTP date; bounded, and null when absent or unreadable. A date is the server's,
 * and so is compared with the server's own time, where it tells that.
 */
fun retryAfter(headers: Map<String, String>, now: Long, maxMs: Long): Long? {
  val text = headers["retry-after"] ?: return null
  val ms = if (SECONDS.matches(text)) text.toLong() * 1000 else {
    val until = parseHttpDate(text) ?: return null
    until - (parseHttpDate(headers["date"] ?: "") ?: now)
  }
  return ms.coerceIn(0, maxMs)
}

/** As JavaScript writes it: 2027-01-31T12:00:00.000Z. */
fun isoTime(ms: Long): String = inUtc("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").format(Date(ms))

private val SECONDS = Regex("[0-9]{1,10}")

/** RFC 9110 §5.6.7, as every server of today writes it; null for everything else. */
fun parseHttpDate(text: String): Long? {
  val format = inUtc("EEE, dd MMM yyyy HH:mm:ss 'GMT'").apply { isLenient = false }
  // Written again it has to be the same: what is read beside the form differs with systems.
  return format.parse(text, ParsePosition(0))?.takeIf { format.format(it) == text }?.time
}

// Made anew each time: a format is not for several threads.
private fun inUtc(pattern: String) =
  SimpleDateFormat(pattern, Locale.US).apply { timeZone = TimeZone.getTimeZone("UTC") }
