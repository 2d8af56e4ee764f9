package dev.hotpatch.protocol

/** Hot-updater §5: its clients fall into as many. */
private const val COHORTS = 1_000
private const val MAX_DIGITS = 64

/** A number from 1 on; null for any other text. */
internal fun readNumericCohort(text: String): Int? {
  if (text.length > MAX_DIGITS || !isDigits(text)) return null
  val digits = text.trimStart('0')
  return if (digits.length > 4) null else digits.toIntOrNull()?.takeIf { it in 1..COHORTS }
}

/** Into which one a device falls that has this id. */
internal fun numericCohortOf(id: String): Int = Math.floorMod(id.hashCode(), COHORTS) + 1

/**
 * Hot-updater §5: in which order cohorts get a release, 0 … 999. Each comes once: place = (cohort − 1 − offset) ÷
 * multiplier, modulo 1,000.
 */
internal fun placeOfCohort(salt: String, cohort: Int): Int {
  val offset = Math.floorMod("$salt:offset".hashCode(), COHORTS)
  return Math.floorMod(inverseOf(multiplierOf(salt)) * (cohort - 1 - offset), COHORTS)
}

/** Has no factor in common with 1,000, so that it can be divided by. */
private fun multiplierOf(salt: String): Int {
  var multiplier = orOne(Math.floorMod("$salt:multiplier".hashCode(), 997))
  while (multiplier % 2 == 0 || multiplier % 5 == 0) multiplier = orOne(Math.floorMod(multiplier + 1, COHORTS))
  return multiplier
}

private fun orOne(value: Int): Int = if (value == 0) 1 else value

/** Euclid's algorithm, which has an end as the two have no factor in common. */
private fun inverseOf(multiplier: Int): Int {
  var (inverse, next) = 0 to 1
  var (rest, remainder) = COHORTS to multiplier
  while (remainder != 0) {
    val quotient = rest / remainder
    inverse = next.also { next = inverse - quotient * next }
    rest = remainder.also { remainder = rest - quotient * remainder }
  }
  return Math.floorMod(inverse, COHORTS)
}
