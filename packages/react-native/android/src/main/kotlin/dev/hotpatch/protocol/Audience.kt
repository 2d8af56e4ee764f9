package dev.hotpatch.protocol

/** D5. Why the device is not in the audience; null: it is. */
internal fun outsideReason(audience: Audience, deviceId: String, told: ToldAttributes): OutsideReason? {
  val slice = audience.slice
  return when {
    !told.meet(audience.rules) -> OutsideReason.ATTRIBUTES_DIFFER
    !isInPercentage(audience.percentage, audience.salt, deviceId, audience.buckets) -> OutsideReason.OUTSIDE_AUDIENCE
    slice != null && !isInSlice(slice, deviceId) -> OutsideReason.OTHER_ARM
    else -> null
  }
}

/** Decision §12. */
private fun isInSlice(slice: AudienceSlice, deviceId: String): Boolean {
  val bucket = sliceBucketOf(slice.salt, deviceId)
  return bucket >= slice.from && bucket < slice.to
}
