package dev.hotpatch.engine.download

import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.bytesFromBase64
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.orJsonNull
import dev.hotpatch.engine.memory.TestCrypto
import dev.hotpatch.engine.scenarios.TestHost
import dev.hotpatch.engine.scenarios.assertSame
import dev.hotpatch.engine.scenarios.plain
import dev.hotpatch.engine.server.CheckAnswer
import dev.hotpatch.engine.server.ReactNativeContract
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import org.junit.Test

/** Engine §4, by vectors/engine/judge.json. */
class JudgeOfferTest {
  @Test
  fun `an answer is judged as in every language`() {
    val vectors = readVectors("engine/judge.json")
    vectors.forEachCase("cases") { case ->
      val told = JsonObject((vectors.at("usual") as JsonObject).fields + (case as JsonObject).fields)
      val context = contextOf(vectors.text("appId"), told)
      assertSame("", plain(case.at("expected")), plain(judge(case.at("answer"), context)))
    }
  }

  private fun contextOf(appId: String, told: JsonObject) = JudgementContext(
    crypto = TestCrypto(),
    host = TestHost(told.at("host") as JsonObject) {},
    appId = appId,
    publicKeys = told.texts("publicKeys").map { bytesFromBase64(it)!! },
    builtAt = told.find("builtAt")?.let { told.long("builtAt") },
    highWater = told.at("state").long("highWater"),
    floor = told.at("state").long("floor"),
  )

  private fun judge(answer: JsonValue, context: JudgementContext): JsonObject = try {
    when (val read = ReactNativeContract.readAnswer(answer)) {
      is CheckAnswer.Nothing -> jsonOf("nothing" to read.reason)
      is CheckAnswer.Embedded -> describe(judgeEmbeddedOrder(read.order, context))
      is CheckAnswer.Offered -> describe(judgeOffer(read.offer, context))
    }
  } catch (_: UnexpectedJsonException) {
    jsonOf("code" to "answer-invalid")
  } catch (error: UpdateError) {
    jsonOf("code" to error.code.text)
  }

  private fun describe(judgement: Judgement) = jsonOf(
    "sequence" to judgement.sequence,
    "floor" to judgement.floor,
    "tree" to judgement.tree.orJsonNull(),
  )
}
