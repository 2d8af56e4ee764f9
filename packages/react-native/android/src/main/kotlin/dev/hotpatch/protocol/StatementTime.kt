package dev.hotpatch.protocol

private val CREATED_AT =
  Regex("([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\\.([0-9]{1,3}))?Z")
private const val MS_OF_DAY = 24L * 60 * 60 * 1000

/**
 * Engine §4: when a statement says that it was signed, in milliseconds since 1970. Null for every other way to write a
 * time, and for days that no calendar has: not all engines read those alike.
 */
fun statementTime(createdAt: String): Long? {
  val groups = CREATED_AT.matchEntire(createdAt)?.groupValues ?: return null
  val (year, month, day, hour, minute) = groups.subList(1, 6).map { it.toInt() }
  val second = groups[6].toInt()
  if (month !in 1..12 || day !in 1..daysOf(year, month) || hour > 23 || minute > 59 || second > 59) return null
  val ms = groups[7].padEnd(3, '0').toInt()
  return daysSince1970(year, month, day) * MS_OF_DAY + ((hour * 60L + minute) * 60 + second) * 1000 + ms
}

private fun daysOf(year: Int, month: Int): Int = when (month) {
  2 -> if (isLeapYear(year)) 29 else 28
  4, 6, 9, 11 -> 30
  else -> 31
}

private fun isLeapYear(year: Int): Boolean = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)

/** By years that begin in March, so that the leap day is the last. */
private fun daysSince1970(year: Int, month: Int, day: Int): Long {
  val (years, months) = if (month > 2) year to month - 3 else year - 1 to month + 9
  val leapDays = Math.floorDiv(years, 4) - Math.floorDiv(years, 100) + Math.floorDiv(years, 400)
  return years * 365L + leapDays + (153 * months + 2) / 5 + day - 719469
}
