/// Static edge §6: the first field of a catalog.
let edgeCatalogType = "hotpatch.edge-catalog.v1"

/// Of the text.
let maxEdgeCatalogBytes = 2 * 1024 * 1024

/// The newest ones: who would be offered what lies below them asks the server.
let maxEdgeRollouts = 200

/// Static edge §6: what a device needs to decide by itself.
struct EdgeCatalog {
  let appId: String
  let platform: Platform
  let channel: String
  /// D10: of all rollouts that have started and are not withdrawn, also of those that are not here.
  let floor: Int
  let releases: [EdgeRelease]
  /// Highest position first.
  let rollouts: [EdgeRollout]
}

/// Signed by the publisher (Signing §1), as it is sent to devices.
struct EdgeStatement {
  let statement: String
  let signature: String
}

/// `offer` is nil where nobody is offered it any more.
struct EdgeRelease {
  let release: CatalogRelease
  let offer: EdgeOffer?
}

struct EdgeOffer {
  let sha256: String
  let sizeBytes: Int
  /// Over the digest (Signing §5).
  let signature: String?
  let stated: EdgeStatement?
  let notes: String?
}

enum EdgeRollout {
  /// Only the server can judge it.
  case asksServer(position: Int, mandatory: Bool)
  /// Stands, at the place of the highest, for all that are below the others.
  case older(position: Int, mandatory: Bool)
  case open(OpenRollout)

  var position: Int {
    switch self {
    case .asksServer(let position, _), .older(let position, _): return position
    case .open(let rollout): return rollout.position
    }
  }

  var mandatory: Bool {
    switch self {
    case .asksServer(_, let mandatory), .older(_, let mandatory): return mandatory
    case .open(let rollout): return rollout.mandatory
    }
  }
}

struct OpenRollout {
  let id: String
  let position: Int
  /// Nil: what the binary shipped with.
  let release: CatalogRelease?
  let state: RolloutState
  /// False only of what was taken back before it began.
  let hasStarted: Bool
  let mandatory: Bool
  let mandatoryBelow: String?
  let audience: Audience
  let restated: Restated?
  /// Of what was stated again.
  let restatement: EdgeStatement?
}
