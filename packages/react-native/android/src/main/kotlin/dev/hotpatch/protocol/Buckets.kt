package dev.hotpatch.protocol

/** Decision §4: in which share of the fleet a device falls. */

/** Into which buckets devices are drawn: so many, or CodePush's own 100. */
enum class BucketRule(val count: Int) {
  HUNDRED(100),

  /** Hot-updater's. */
  THOUSAND(1_000),

  /** Steps of 0.01 %. */
  TEN_THOUSAND(10_000),
  CODE_PUSH(100),
}

/** Unsigned 32-bit FNV-1a over the UTF-8 bytes of [text]; a lone surrogate counts as U+FFFD. */
fun fnv1a32(text: String): Long = unsigned(fnv1a(text))

/**
 * The device's bucket, from 0 on.
 * @param salt of CodePush's rule the label
 */
fun bucketOf(salt: String, deviceId: String, buckets: BucketRule): Int = when (buckets) {
  BucketRule.CODE_PUSH -> codePushBucketOf(salt, deviceId)
  BucketRule.THOUSAND -> placeOfCohort(salt, readNumericCohort(deviceId) ?: numericCohortOf(deviceId))
  else -> (fnv1a32(salt + deviceId) % buckets.count).toInt()
}

/**
 * Decision §12: the device's place in a division of the fleet into slices, 0 … 9,999. The hash is mixed once more: FNV-1a of
 * two salts can differ by the same amount for every device, and then all of a percentage would fall into one slice.
 */
fun sliceBucketOf(salt: String, deviceId: String): Int = (unsigned(mix32(fnv1a(salt + deviceId))) % 10_000).toInt()

/** Decision §4: whether the device is in the first [percentage] (0 … 100) of the fleet. NaN is nobody. */
fun isInPercentage(percentage: Double, salt: String, deviceId: String, buckets: BucketRule): Boolean {
  if (percentage >= 100) return true
  if (!(percentage > 0)) return false
  // The originals of 100 compare the bucket with the percentage as it stands.
  val threshold = if (buckets.count == 100) percentage else Math.round(percentage * (buckets.count / 100)).toDouble()
  return bucketOf(salt, deviceId, buckets) < threshold
}

private fun unsigned(hash: Int): Long = hash.toLong() and 0xffffffffL

private fun fnv1a(text: String): Int {
  var hash = 0x811c9dc5.toInt()
  for (byte in utf8FromText(text)) hash = (hash xor (byte.toInt() and 0xff)) * 0x01000193
  return hash
}

/** MurmurHash3's last step: each bit of the input turns about half of the output's. */
private fun mix32(hash: Int): Int {
  var mixed = (hash xor (hash ushr 16)) * 0x85ebca6b.toInt()
  mixed = (mixed xor (mixed ushr 13)) * 0xc2b2ae35.toInt()
  return mixed xor (mixed ushr 16)
}

/** Of CodePush's own server: only what is shifted is kept to 32 bits, a sum may be beyond them. */
private fun codePushBucketOf(label: String, deviceId: String): Int {
  var hash = 0L
  for (unit in "$deviceId-$label") hash = (hash.toInt() shl 5) - hash + unit.code
  return (Math.abs(hash) % 100).toInt()
}
