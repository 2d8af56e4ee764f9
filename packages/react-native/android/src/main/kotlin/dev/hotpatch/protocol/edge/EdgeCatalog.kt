package dev.hotpatch.protocol.edge

import dev.hotpatch.protocol.Audience
import dev.hotpatch.protocol.CatalogRelease
import dev.hotpatch.protocol.Restated
import dev.hotpatch.protocol.RolloutState

/** Static edge §6: the first field of a catalog. */
internal const val EDGE_CATALOG_TYPE = "hotpatch.edge-catalog.v1"

/** Of the text. */
const val MAX_EDGE_CATALOG_BYTES = 2 * 1024 * 1024

/** The newest ones: who would be offered what lies below them asks the server. */
const val MAX_EDGE_ROLLOUTS = 200

/** Static edge §6: what a device needs to decide by itself. */
class EdgeCatalog(
  val appId: String,
  val platform: String,
  val channel: String,
  /** D10: of all rollouts that have started and are not withdrawn, also of those that are not here. */
  val floor: Long,
  val releases: List<EdgeRelease>,
  /** Highest position first. */
  val rollouts: List<EdgeRollout>,
)

/** Signed by the publisher (Signing §1), as it is sent to devices. */
class EdgeStatement(val statement: String, val signature: String)

/** [offer] is null where nobody is offered it any more. */
class EdgeRelease(val release: CatalogRelease, val offer: EdgeOffer?)

class EdgeOffer(
  val sha256: String,
  val sizeBytes: Long,
  /** Over the digest (Signing §5). */
  val signature: String?,
  val stated: EdgeStatement?,
  val notes: String?,
)

sealed interface EdgeRollout {
  val position: Long
  val mandatory: Boolean

  /** Only the server can judge it. */
  class AsksServer(override val position: Long, override val mandatory: Boolean) : EdgeRollout

  /** Stands, at the place of the highest, for all that are below the others. */
  class Older(override val position: Long, override val mandatory: Boolean) : EdgeRollout

  class Open(
    val id: String,
    override val position: Long,
    /** Null: what the binary shipped with. */
    val release: CatalogRelease?,
    val state: RolloutState,
    /** False only of what was taken back before it began. */
    val hasStarted: Boolean,
    override val mandatory: Boolean,
    val mandatoryBelow: String?,
    val audience: Audience,
    val restated: Restated?,
    /** Of what was stated again. */
    val restatement: EdgeStatement?,
  ) : EdgeRollout
}
