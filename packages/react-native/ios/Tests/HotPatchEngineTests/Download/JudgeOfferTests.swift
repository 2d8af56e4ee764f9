import HotPatchPorts
import XCTest

@testable import HotPatchEngine

/// vectors/engine/judge.json: what is judged of an answer before a byte is fetched.
final class JudgeOfferTests: XCTestCase {
  func testEveryAnswerIsJudgedAlike() throws {
    let file = try VectorFile("engine/judge").json
    let appId = try file.text("appId")
    let usual = try readObject(file.get("usual").value, "/usual")
    try file.each("cases") { each in
      let own = try readObject(each.value, each.place)
      let context = try judgementContext(usual, own, appId: appId)
      let found = try judged(each.get("answer").value, context)
      let expected = try each.get("expected").value
      XCTAssertNil(firstDifference(found, expected), "\(each)")
    }
  }

  /// A case replaces fields of what is usual.
  private func judgementContext(_ usual: JsonObject, _ own: JsonObject, appId: String) throws -> JudgementContext {
    let field = { (name: String) in own[name] ?? usual[name] }
    let state = try readObject(field("state"), "/state")
    let options = try DeviceOptions(JsonObject([("host", field("host"))]))
    let keys = try readArray(field("publicKeys"), "/publicKeys", maxLength: 20).map { value in
      try XCTUnwrap(bytesFromBase64(readString(value, "/publicKeys")))
    }
    return JudgementContext(
      crypto: SystemCrypto(), host: try options.hostPort(restart: {}), publicKeys: keys, appId: appId,
      builtAt: isNothing(field("builtAt")) ? nil : try readInteger(field("builtAt"), "/builtAt", minimum: 0),
      highWater: try readInteger(state["highWater"], "/highWater", minimum: 0),
      floor: try readInteger(state["floor"], "/floor", minimum: 0))
  }

  private func judged(_ answer: JsonValue, _ context: JudgementContext) throws -> JsonValue {
    do {
      switch try ReactNativeContract.readAnswer(answer) {
      case .offer(let offer): return jsonOf(try judgeOffer(offer, context))
      case .embedded(let order): return jsonOf(try judgeEmbeddedOrder(order, context))
      case .nothing(let reason, _): return jsonObject([("nothing", .string(reason))])
      }
    } catch let error as UpdateError {
      return jsonObject([("code", .string(error.code.rawValue))])
    } catch is UnexpectedJsonError {
      return jsonObject([("code", .string(SdkCode.answerInvalid.rawValue))])
    }
  }

  private func jsonOf(_ judgement: Judgement) -> JsonValue {
    jsonObject([
      ("sequence", jsonNumber(judgement.sequence)), ("floor", jsonNumber(judgement.floor)),
      ("tree", jsonOrNull(judgement.tree)),
    ])
  }
}
