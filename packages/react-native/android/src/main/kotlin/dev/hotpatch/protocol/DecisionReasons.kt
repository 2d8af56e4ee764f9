package dev.hotpatch.protocol

/** Why a device gets what it gets: every "no update" has a reason. */
sealed interface DecisionReason {
  val text: String
}

/** Why a rollout was passed over. */
sealed interface PassedOverReason : DecisionReason

/** D2, D4, D10. */
enum class NotForDeviceReason(override val text: String) : PassedOverReason {
  NOT_STARTED("not-started"),
  PAUSED("paused"),
  HALTED("halted"),
  WITHDRAWN("withdrawn"),
  BELOW_FLOOR("below-floor"),
  FAILED_ON_THIS_DEVICE("failed-on-this-device"),
}

/** D5: why a device is not in the audience. */
enum class OutsideReason(override val text: String) : PassedOverReason {
  ATTRIBUTES_DIFFER("attributes-differ"),
  OUTSIDE_AUDIENCE("outside-audience"),
  OTHER_ARM("other-arm"),
}

/** D11: why a device would refuse what a rollout places. */
enum class RefusalReason(override val text: String) : PassedOverReason {
  BELOW_HIGH_WATER("below-high-water"),
  BELOW_DEVICE_FLOOR("below-device-floor"),
  KEY_NOT_TRUSTED("key-not-trusted"),
  NOT_SIGNED("not-signed"),
  SEQUENCE_TOO_FAR("sequence-too-far"),
  OLDER_THAN_BINARY("older-than-binary"),
}

/** Of what was not passed over, and of all together. */
enum class AnswerReason(override val text: String) : DecisionReason {
  /** D5: the device is in the audience. */
  PERCENTAGE("percentage"),
  RUNS_THE_TARGET("runs-the-target"),
  AHEAD_OF_ROLLOUT("ahead-of-rollout"),
  NOTHING_PUBLISHED("nothing-published"),
  RELEASE_TAKEN_BACK("release-taken-back"),
}
