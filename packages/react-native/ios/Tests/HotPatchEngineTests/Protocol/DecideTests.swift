import XCTest

@testable import HotPatchEngine

/// vectors/decision.json, of what an edge can say: archives as they are, for nobody by name, and devices that tell an id
/// and take them. The other cases are about what only servers know of, or clients of others.
final class DecideTests: XCTestCase {
  private func cases() throws -> [Vector] {
    try VectorFile("decision").json.get("cases").items.filter(isOfAnEdge)
  }

  func testWhatIsDecidedForADevice() throws {
    for each in try cases() {
      let device = try readDevice(try each.get("device"))
      let rollouts = try each.get("rollouts").items.map(readRollout)
      let (name, expected) = (try each.text("name"), try each.get("expected"))
      for placed in [rollouts, rollouts.reversed()] {
        let found = describe(decide(Catalog(placed), device, now: try each.number("now")))
        for (field, value) in found.fields {
          XCTAssertEqual(value, expected[field]?.value ?? .null, "\(name): \(field)")
        }
      }
    }
  }

  func testEveryRuleHasItsCases() throws {
    let cases = try cases()
    XCTAssertEqual(Set(try cases.flatMap { try $0.get("rules").texts }).count, 11)
    XCTAssertGreaterThan(cases.count, 180)
  }

  /// The way back is the sequence's to say, and no device asks for it.
  private func describe(_ decision: Decision) -> JsonObject {
    var (kind, releaseId, isMove) = ("up-to-date", String?.none, false)
    switch decision.kind {
    case .upToDate: break
    case .nativeUpdateRequired: kind = "native-update-required"
    case .update(let release, _, _): (kind, releaseId, isMove) = ("update", release.id, true)
    case .embedded: (kind, isMove) = ("embedded", true)
    }
    let note = decision.nativeUpdate.map {
      jsonObject([("minNativeVersion", .string($0.minNativeVersion)), ("releaseId", .string($0.releaseId))])
    }
    return JsonObject([
      ("kind", .string(kind)), ("reason", .string(decision.reason.text)), ("releaseId", jsonOrNull(releaseId)),
      ("rolloutId", isMove ? jsonOrNull(decision.rollout?.id) : .null), ("mandatory", .boolean(decision.mandatory)),
      ("nativeUpdate", note ?? .null),
    ])
  }
}

private let releaseFields = ["id", "version", "sequence", "requirement", "floor", "keyId", "isStated", "statedAt"]

private func isOfAnEdge(_ each: Vector) throws -> Bool {
  let device = try each.get("device")
  if try device.has("takes") || device.has("heldAt") || device["id"] == nil { return false }
  if device["attributes"]?["rolloutCohort"] != nil { return false }
  return try each.get("rollouts").items.allSatisfy { rollout in
    let audience = try rollout.get("audience")
    let isArchive = try releaseOf(rollout)?.fields.allSatisfy { releaseFields.contains($0.name) } ?? true
    let isForNobody = try ["devices", "cohorts"].allSatisfy { try audience.get($0).items.isEmpty }
    // Of a rule that nobody can read nobody meets anything, and no edge has it (Static edge §7).
    let isReadable = (try? readRules(audience)) != nil
    return try isArchive && isForNobody && isReadable && !rollout.has("awaitsApproval")
  }
}

/// Nil: embedded.
private func releaseOf(_ rollout: Vector) throws -> Vector? {
  let target = try rollout.get("target")
  if case .object = target.value { return target }
  return nil
}

private func readRules(_ audience: Vector) throws -> [AttributeRule] {
  try audience["rules"].map { try readAttributeRules($0.value, $0.place) } ?? []
}

private func readRollout(_ json: Vector) throws -> CatalogRollout {
  let audience = try json.get("audience")
  return CatalogRollout(
    id: try json.text("id"), position: try json.number("position"), release: try releaseOf(json).map(readRelease),
    state: try XCTUnwrap(RolloutState(rawValue: json.text("state"))), startsAt: try json.numberOrNil("startsAt"),
    mandatory: try json.boolean("mandatory"),
    mandatoryBelow: try json.textOrNil("mandatoryBelow").flatMap(parseNativeVersion),
    audience: Audience(
      percentage: try audience.double("percentage"), salt: try audience.textOrNil("salt") ?? json.text("id"),
      buckets: try bucketsOf(audience), rules: try readRules(audience),
      slice: try audience["slice"].map {
        AudienceSlice(salt: try $0.text("salt"), from: try $0.number("from"), to: try $0.number("to"))
      }),
    restated: try json["restated"].map {
      Restated(
        sequence: try $0.number("sequence"), floor: try $0.number("floor"), keyId: try $0.textOrNil("keyId"),
        statedAt: try $0.numberOrNil("statedAt"))
    })
}

private func bucketsOf(_ audience: Vector) throws -> BucketRule {
  if case .string = try audience.get("buckets").value { return .codePush }
  let count = try audience.number("buckets")
  return try XCTUnwrap(BucketRule.allCases.first { $0.count == count })
}

private func readRelease(_ json: Vector) throws -> CatalogRelease {
  let keyId = try json.textOrNil("keyId")
  return CatalogRelease(
    id: try json.text("id"), version: try json.text("version"), sequence: try json.number("sequence"),
    requirement: try readRequirement(try json.get("requirement").value, "\(json.place)/requirement"),
    floor: try json.number("floor"), keyId: keyId,
    isStated: try json.has("isStated") ? try json.boolean("isStated") : keyId != nil,
    statedAt: try json.numberOrNil("statedAt"))
}
