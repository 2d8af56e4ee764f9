/// Decision §4: in which share of the fleet a device falls.

/// Into which buckets devices are drawn: so many, or CodePush's own 100.
enum BucketRule: CaseIterable {
  case hundred
  /// Hot-updater's.
  case thousand
  /// Steps of 0.01 %.
  case tenThousand
  case codePush

  var count: Int {
    switch self {
    case .hundred, .codePush: return 100
    case .thousand: return 1_000
    case .tenThousand: return 10_000
    }
  }
}

/// FNV-1a over the UTF-8 bytes of `text`.
func fnv1a32(_ text: String) -> UInt32 {
  text.utf8.reduce(0x811c_9dc5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
}

/// The device's bucket, from 0 on.
/// @param salt of CodePush's rule the label
func bucketOf(_ salt: String, _ deviceId: String, _ buckets: BucketRule) -> Int {
  switch buckets {
  case .codePush: return codePushBucketOf(salt, deviceId)
  case .thousand: return placeOfCohort(salt, readNumericCohort(deviceId) ?? numericCohortOf(deviceId))
  case .hundred, .tenThousand: return Int(fnv1a32(salt + deviceId)) % buckets.count
  }
}

/// Decision §12: the device's place in a division of the fleet into slices, 0 … 9,999. The hash is mixed once more: FNV-1a
/// of two salts can differ by the same amount for every device, and then all of a percentage would fall into one slice.
func sliceBucketOf(_ salt: String, _ deviceId: String) -> Int {
  Int(mix32(fnv1a32(salt + deviceId))) % 10_000
}

/// Decision §4: whether the device is in the first `percentage` (0 … 100) of the fleet. NaN is nobody.
func isInPercentage(_ percentage: Double, _ salt: String, _ deviceId: String, _ buckets: BucketRule) -> Bool {
  if percentage >= 100 { return true }
  guard percentage > 0 else { return false }
  // The originals of 100 compare the bucket with the percentage as it stands.
  let threshold = buckets.count == 100 ? percentage : (percentage * Double(buckets.count / 100)).rounded()
  return Double(bucketOf(salt, deviceId, buckets)) < threshold
}

/// MurmurHash3's last step: each bit of the input turns about half of the output's.
private func mix32(_ hash: UInt32) -> UInt32 {
  var mixed = (hash ^ (hash >> 16)) &* 0x85eb_ca6b
  mixed = (mixed ^ (mixed >> 13)) &* 0xc2b2_ae35
  return mixed ^ (mixed >> 16)
}

/// Of CodePush's own server: only what is shifted is kept to 32 bits, a sum may be beyond them.
private func codePushBucketOf(_ label: String, _ deviceId: String) -> Int {
  var hash = 0
  for unit in "\(deviceId)-\(label)".utf16 { hash = Int(Int32(truncatingIfNeeded: hash) << 5) &- hash &+ Int(unit) }
  return Int(hash.magnitude % 100)
}
