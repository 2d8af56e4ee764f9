// What a device decides by. Servers know more of a catalog: other kinds of content, encrypted forms, devices and cohorts by
// name. None of that is at an edge (Static edge §7), and so none of it is here.

/// Immutable content, as far as a decision needs to know it: an archive, as it is.
struct CatalogRelease {
  let id: String
  let version: String
  /// Rises with every publish of (app, platform).
  let sequence: Int
  let requirement: Requirement
  /// Publisher-signed: once published, nothing below this sequence is offered (D10). 0 sets no floor.
  let floor: Int
  /// Of the key that signed the bundle (Signing §9); nil when nobody did.
  let keyId: String?
  /// Whether that key signed a statement of it, too.
  let isStated: Bool
  /// When that statement says that it was signed, in milliseconds since 1970; nil: not known.
  let statedAt: Int?
  /// Nil when nothing is required.
  let needs: CompiledRequirement?

  init(
    id: String, version: String, sequence: Int, requirement: Requirement, floor: Int, keyId: String?, isStated: Bool,
    statedAt: Int?
  ) {
    self.id = id
    self.version = version
    self.sequence = sequence
    self.requirement = requirement
    self.floor = floor
    self.keyId = keyId
    self.isStated = isStated
    self.statedAt = statedAt
    needs = requirement.isEmpty ? nil : compileRequirement(requirement)
  }
}

/// Whom a rollout is for: of those that meet the rules a share (D5).
struct Audience {
  /// 0 … 100, in steps of 0.01.
  let percentage: Double
  let salt: String
  let buckets: BucketRule
  /// All must hold.
  let rules: [AttributeRule]
  /// An arm of an A/B test: only this part of the fleet. Nil: all of it.
  let slice: AudienceSlice?
}

/// Decision §12: the devices whose slice bucket is `from` or above and below `to`, of 10,000.
struct AudienceSlice {
  let salt: String
  let from: Int
  let to: Int
}

/// `paused` keeps those who have it and takes no new ones; `halted` and `withdrawn` send them elsewhere.
enum RolloutState: String, CaseIterable {
  case active, paused, halted, withdrawn
}

/// A target stated again by its publisher (Signing §6): stands for the target's own sequence and floor (D10).
struct Restated {
  let sequence: Int
  let floor: Int
  let keyId: String?
  let statedAt: Int?
}

/// Places one release, or what the binary shipped with, on one channel.
struct CatalogRollout {
  let id: String
  /// No two are equal: the highest is tried first (D1).
  let position: Int
  /// Nil: what the binary shipped with.
  let release: CatalogRelease?
  let state: RolloutState
  /// Milliseconds since 1970, or nil: at once.
  let startsAt: Int?
  let mandatory: Bool
  /// It is mandatory for shells below this native version; nil when there is none, or it is no version.
  let mandatoryBelow: NativeVersion?
  let audience: Audience
  let restated: Restated?

  var releaseId: String? { release?.id }

  /// What D10 compares with the floor: 0 for embedded, unless the publisher signed for it.
  var sequence: Int { restated?.sequence ?? release?.sequence ?? 0 }
  var floor: Int { restated?.floor ?? release?.floor ?? 0 }

  /// Which keys signed what a device gets: the statement, and the bundle (D11).
  var statementKeyId: String? {
    if let restated { return restated.keyId }
    return release?.isStated == true ? release?.keyId : nil
  }
  var bundleKeyId: String? { release?.keyId }

  /// When what a device gets was stated; nil where that is not known.
  var statedAt: Int? {
    if let restated { return restated.statedAt }
    return release?.statedAt
  }
}

/// All that a decision needs to know of one (app, platform, channel), with its look-ups prepared.
struct Catalog {
  /// Highest position first. The id decides between equal positions, so that no two devices ever disagree.
  let rollouts: [CatalogRollout]
  private let byRelease: [ExactText?: [CatalogRollout]]
  /// Those that D8 must look through, highest position first.
  let mandatory: [CatalogRollout]

  init(_ rollouts: [CatalogRollout]) {
    self.rollouts = rollouts.sorted { a, b in
      a.position == b.position ? a.id.utf16.lexicographicallyPrecedes(b.id.utf16) : a.position > b.position
    }
    byRelease = Dictionary(grouping: self.rollouts) { $0.releaseId.map(ExactText.init) }
    mandatory = self.rollouts.filter { $0.mandatory || $0.mandatoryBelow != nil }
  }

  /// The rollouts of a release, or of embedded, highest position first.
  func placementsOf(_ releaseId: String?) -> [CatalogRollout] {
    byRelease[releaseId.map(ExactText.init)] ?? []
  }
}
