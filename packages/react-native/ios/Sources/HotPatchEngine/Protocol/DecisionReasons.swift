/// Why a device gets what it gets: every "no update" has a reason.
protocol DecisionReason {
  var text: String { get }
}

extension DecisionReason where Self: RawRepresentable, RawValue == String {
  var text: String { rawValue }
}

/// Why a rollout was passed over.
protocol PassedOverReason: DecisionReason {}

/// D3.
extension RequirementReason: PassedOverReason {}

/// D2, D4, D10.
enum NotForDeviceReason: String, PassedOverReason {
  case notStarted = "not-started"
  case paused
  case halted
  case withdrawn
  case belowFloor = "below-floor"
  case failedOnThisDevice = "failed-on-this-device"
}

/// D5: why a device is not in the audience.
enum OutsideReason: String, PassedOverReason {
  case attributesDiffer = "attributes-differ"
  case outsideAudience = "outside-audience"
  case otherArm = "other-arm"
}

/// D11: why a device would refuse what a rollout places.
enum RefusalReason: String, PassedOverReason {
  case belowHighWater = "below-high-water"
  case belowDeviceFloor = "below-device-floor"
  case keyNotTrusted = "key-not-trusted"
  case notSigned = "not-signed"
  case sequenceTooFar = "sequence-too-far"
  case olderThanBinary = "older-than-binary"
}

/// Of what was not passed over, and of all together.
enum AnswerReason: String, DecisionReason {
  /// D5: the device is in the audience.
  case percentage
  case runsTheTarget = "runs-the-target"
  case aheadOfRollout = "ahead-of-rollout"
  case nothingPublished = "nothing-published"
  case releaseTakenBack = "release-taken-back"
}
