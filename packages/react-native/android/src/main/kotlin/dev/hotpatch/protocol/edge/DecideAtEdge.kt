package dev.hotpatch.protocol.edge

import dev.hotpatch.protocol.Audience
import dev.hotpatch.protocol.BucketRule
import dev.hotpatch.protocol.Catalog
import dev.hotpatch.protocol.CatalogRollout
import dev.hotpatch.protocol.Decision
import dev.hotpatch.protocol.Device
import dev.hotpatch.protocol.Restated
import dev.hotpatch.protocol.RolloutState
import dev.hotpatch.protocol.decide
import dev.hotpatch.protocol.placeOf

/** A catalog that a device has verified, ready for decisions. */
class CompiledEdgeCatalog(edge: EdgeCatalog) {
  val catalog: Catalog
  private val offers = edge.releases.associate { it.release.id to it.offer }
  private val restatements: Map<String, EdgeStatement?>

  /** What only the server can judge. */
  internal val asksServer = edge.rollouts.filter { it !is EdgeRollout.Open }

  init {
    val open = edge.rollouts.filterIsInstance<EdgeRollout.Open>()
    val bottom = if (edge.floor > 0) listOf(floorOnly(edge.floor)) else emptyList()
    catalog = Catalog(open.map(::rolloutOf) + bottom)
    restatements = open.associate { it.id to it.restatement }
  }

  /** Null: it is offered to nobody. */
  fun offerOf(releaseId: String): EdgeOffer? = offers[releaseId]

  /** Of a rollout that was stated again; null: without a statement. */
  fun restatementOf(rolloutId: String): EdgeStatement? = restatements[rolloutId]
}

private fun rolloutOf(rollout: EdgeRollout.Open) = CatalogRollout(
  id = rollout.id,
  position = rollout.position,
  release = rollout.release,
  state = rollout.state,
  // The server says what has begun: a device's own clock starts nothing.
  startsAt = if (rollout.hasStarted) null else Long.MAX_VALUE,
  mandatory = rollout.mandatory,
  mandatoryBelow = rollout.mandatoryBelow,
  audience = rollout.audience,
  restated = rollout.restated,
)

/** D10: the floor of rollouts that are not here. It is below everything, and was over from the beginning. */
private fun floorOnly(floor: Long) = CatalogRollout(
  id = "floor",
  position = -1,
  release = null,
  state = RolloutState.HALTED,
  startsAt = null,
  mandatory = false,
  mandatoryBelow = null,
  audience = Audience(0.0, "", BucketRule.TEN_THOUSAND, emptyList(), slice = null),
  restated = Restated(sequence = floor, floor = floor, keyId = null, statedAt = null),
)

/**
 * Static edge §8: what the server would decide, wherever that can be known from what is public. Null: whatever the catalog
 * says, the server may say something else; for as long as nobody can ask it, nothing changes.
 *
 * @param running the sequence of what the device runs; null for embedded, and where none is known
 */
fun decideAtEdge(edge: CompiledEdgeCatalog, device: Device, now: Long, running: Long? = null): Decision? {
  val decision = decide(edge.catalog, device, now)
  val isUncertain = mayBeOvertaken(edge, decision) ||
    mayBeMandatory(edge, device, decision, now) ||
    goesBackUnknown(edge, device, decision, running)
  return decision.takeUnless { isUncertain }
}

/** Of what ends the search, or keeps the device, only what lies above could be in its place. */
private fun mayBeOvertaken(edge: CompiledEdgeCatalog, decision: Decision): Boolean {
  val rollout = decision.rollout ?: return edge.asksServer.isNotEmpty()
  return edge.asksServer.any { it.position > rollout.position }
}

/** D8: rollouts between what the device runs and its target, whose audience or release is not known here. */
private fun mayBeMandatory(edge: CompiledEdgeCatalog, device: Device, decision: Decision, now: Long): Boolean {
  val mandatory = when (decision) {
    is Decision.Update -> decision.mandatory
    is Decision.Embedded -> decision.mandatory
    else -> return false
  }
  val rollout = decision.rollout ?: return false
  if (rollout.mandatory) return false
  val from = placeOf(device, edge.catalog, now)
  val between = edge.asksServer.filter { it.position < rollout.position && it.position > from }
  // What it runs may have a higher place than is known here; what is older has none above what is here.
  return between.any { if (mandatory) it is EdgeRollout.AsksServer else it.mandatory }
}

/** What the device runs may be of a rollout that is not here: that it is older is no reason to go back. */
private fun goesBackUnknown(edge: CompiledEdgeCatalog, device: Device, decision: Decision, running: Long?): Boolean {
  val current = device.currentReleaseId ?: return false
  if (edge.catalog.placementsOf(current).isNotEmpty()) return false
  if (decision is Decision.Embedded) return true
  return decision is Decision.Update && running != null && decision.rollout.sequence < running
}
