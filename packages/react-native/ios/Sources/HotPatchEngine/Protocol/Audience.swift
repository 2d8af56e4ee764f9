/// D5. Why the device is not in the audience; nil: it is.
func outsideReason(_ audience: Audience, _ deviceId: String, _ told: ToldAttributes) -> OutsideReason? {
  if !told.meet(audience.rules) { return .attributesDiffer }
  if !isInPercentage(audience.percentage, audience.salt, deviceId, audience.buckets) { return .outsideAudience }
  if let slice = audience.slice, !isInSlice(slice, deviceId) { return .otherArm }
  return nil
}

/// Decision §12.
private func isInSlice(_ slice: AudienceSlice, _ deviceId: String) -> Bool {
  let bucket = sliceBucketOf(slice.salt, deviceId)
  return bucket >= slice.from && bucket < slice.to
}
