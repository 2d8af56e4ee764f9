package dev.hotpatch.protocol

/*
 * What a device decides by. Servers know more of a catalog: other kinds of content, encrypted forms, devices and cohorts by
 * name. None of that is at an edge (Static edge §7), and so none of it is here.
 */

/** Immutable content, as far as a decision needs to know it: an archive, as it is. */
class CatalogRelease(
  val id: String,
  val version: String,
  /** Rises with every publish of (app, platform). */
  val sequence: Long,
  val requirement: Requirement,
  /** Publisher-signed: once published, nothing below this sequence is offered (D10). 0 sets no floor. */
  val floor: Long,
  /** Of the key that signed the bundle (Signing §9); null when nobody did. */
  val keyId: String?,
  /** Whether that key signed a statement of it, too. */
  val isStated: Boolean,
  /** When that statement says that it was signed, in milliseconds since 1970; null: not known. */
  val statedAt: Long?,
) {
  /** Null when nothing is required. */
  internal val needs: CompiledRequirement? =
    if (requirement == Requirement()) null else compileRequirement(requirement)
}

/** Whom a rollout is for: of those that meet the rules a share (D5). */
class Audience(
  /** 0 … 100, in steps of 0.01. */
  val percentage: Double,
  val salt: String,
  val buckets: BucketRule,
  /** All must hold. */
  val rules: List<AttributeRule>,
  /** An arm of an A/B test: only this part of the fleet. Null: all of it. */
  val slice: AudienceSlice?,
)

/** Decision §12: the devices whose slice bucket is [from] or above and below [to], of 10,000. */
class AudienceSlice(val salt: String, val from: Long, val to: Long)

/** `paused` keeps those who have it and takes no new ones; `halted` and `withdrawn` send them elsewhere. */
enum class RolloutState(val text: String) {
  ACTIVE("active"),
  PAUSED("paused"),
  HALTED("halted"),
  WITHDRAWN("withdrawn"),
}

/** A target stated again by its publisher (Signing §6): stands for the target's own sequence and floor (D10). */
class Restated(val sequence: Long, val floor: Long, val keyId: String?, val statedAt: Long?)

/** Places one release, or what the binary shipped with, on one channel. */
class CatalogRollout(
  val id: String,
  /** No two are equal: the highest is tried first (D1). */
  val position: Long,
  /** Null: what the binary shipped with. */
  val release: CatalogRelease?,
  val state: RolloutState,
  /** Milliseconds since 1970, or null: at once. */
  val startsAt: Long?,
  val mandatory: Boolean,
  /** It is mandatory for shells below this native version; null: for none more. */
  mandatoryBelow: String?,
  val audience: Audience,
  val restated: Restated?,
) {
  /** Null when there is none, or it is no version. */
  internal val mandatoryVersion: NativeVersion? = mandatoryBelow?.let(::parseNativeVersion)
  val releaseId: String? get() = release?.id

  /** What D10 compares with the floor: 0 for embedded, unless the publisher signed for it. */
  val sequence: Long = restated?.sequence ?: release?.sequence ?: 0
  val floor: Long = restated?.floor ?: release?.floor ?: 0

  /** Which keys signed what a device gets: the statement, and the bundle (D11). */
  internal val statementKeyId: String? =
    if (restated != null) restated.keyId else release?.takeIf { it.isStated }?.keyId
  internal val bundleKeyId: String? get() = release?.keyId

  /** When what a device gets was stated; null where that is not known. */
  internal val statedAt: Long? = if (restated != null) restated.statedAt else release?.statedAt
}

/** All that a decision needs to know of one (app, platform, channel), with its look-ups prepared. */
class Catalog(rollouts: List<CatalogRollout>) {
  /** Highest position first. The id decides between equal positions, so that no two devices ever disagree. */
  val rollouts: List<CatalogRollout> = rollouts.sortedWith(compareByDescending<CatalogRollout> { it.position }.thenBy { it.id })

  private val byRelease: Map<String?, List<CatalogRollout>> = this.rollouts.groupBy { it.releaseId }

  /** Those that D8 must look through, highest position first. */
  internal val mandatory = this.rollouts.filter { it.mandatory || it.mandatoryVersion != null }

  /** The rollouts of a release, or of embedded, highest position first. */
  fun placementsOf(releaseId: String?): List<CatalogRollout> = byRelease[releaseId] ?: emptyList()
}
