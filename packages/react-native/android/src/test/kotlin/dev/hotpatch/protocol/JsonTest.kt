package dev.hotpatch.protocol

import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import java.util.Base64
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test

class JsonTest {
  private fun again(text: String) = writeJson(readJson(text))

  @Test
  fun `as every device takes it`() {
    val vectors = readVectors("json.json")
    vectors.forEachCase("read") { case -> assertEquals(case.text("written"), again(case.text("text"))) }
    vectors.forEachCase("refused") { case ->
      assertThrows(UnexpectedJsonException::class.java) { readJson(case.text("text")) }
    }
    vectors.forEachCase("notUtf8") { case -> assertNull(textFromUtf8(Base64.getDecoder().decode(case.text("base64")))) }
    vectors.forEachCase("deep") { case ->
      val times = case.long("times").toInt()
      val text = "${case.text("open").repeat(times)}1${case.text("close").repeat(times)}"
      val isWhole = case.text("close").isNotEmpty()
      if (isWhole) assertNotNull(readJson(text)) else assertThrows(UnexpectedJsonException::class.java) { readJson(text) }
    }
  }

  @Test
  fun `what is read is written as JavaScript writes it`() {
    val cases = mapOf(
      " { \"a\" : [ 1 , true , null ] } " to """{"a":[1,true,null]}""",
      """{"b":1,"a":2,"b":3}""" to """{"b":3,"a":2}""",
      """{"b":1,"10":2,"9":3,"01":4,"4294967295":5,"4294967294":6}""" to
        """{"9":3,"10":2,"4294967294":6,"b":1,"01":4,"4294967295":5}""",
      "[-0,0.5,1e21,1e20,123456789012345680000,0.000001,1e-7,-1.5e300,5e-324,1e400,0.1,1.7976931348623157e308]" to
        "[0,0.5,1e+21,100000000000000000000,123456789012345680000,0.000001,1e-7,-1.5e+300,5e-324,null,0.1,1.7976931348623157e+308]",
      "[2e-3,9007199254740993,4.35,2.2250738585072014e-308,9.5367431640625e-7,100.25]" to
        "[0.002,9007199254740992,4.35,2.2250738585072014e-308,9.5367431640625e-7,100.25]",
      "\"\\u00e9\\ud83d\\ude00\\ud800\\/\\b\\u007f\u2028\\u0001\\\"\"" to "\"é😀\\ud800/\\b\u007f\u2028\\u0001\\\"\"",
      "[[],{},\"\"]" to "[[],{},\"\"]",
    )
    for ((text, written) in cases) assertEquals(written, again(text))
  }

  @Test
  fun `what JavaScript refuses is refused`() {
    val refused = listOf(
      "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "{'a':1}", "01", "+1", ".5", "1.", "1e", "1e+", "- 1", "0x10", "NaN",
      "Infinity", "1d", "tru", "truee", "nul", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\u123\"", "\"\t\"", "\"\n\"", "1 2", "[1 2]",
      "{\"a\" 1}", "{\"a\":}", "{\"a\":1 \"b\":2}", "\ufeff1", "\u00a01", "//\n1", "[1]]", "}", "{]", "[}", "\"\\", "{1:2}",
      "\u0000", "1\u0000", "[\u0000]", "-", "--1", "{,}", "[,]", "nullx", "\u000b1",
    )
    for (text in refused) {
      val refusal = assertThrows(text, UnexpectedJsonException::class.java) { readJson(text) }
      assertEquals("", refusal.pointer)
    }
  }

  @Test
  fun `what nests a hundred thousand deep is read`() {
    val depth = 100_000
    var value = readJson("[".repeat(depth) + "{\"a\":1}" + "]".repeat(depth))
    repeat(depth) { value = (value as JsonArray).items.single() }
    assertEquals(1L, readInteger((value as JsonObject)["a"], "/a", 0))
    assertThrows(IllegalArgumentException::class.java) { again("[".repeat(600) + "]".repeat(600)) }
  }

  @Test
  fun `readers say where, what was expected and what was found`() {
    fun messageOf(read: () -> Unit) = assertThrows(UnexpectedJsonException::class.java) { read() }.message
    assertEquals("/: expected an object, found an array of 2", messageOf { readObject(readJson("[1,2]"), "") })
    assertEquals("/a: expected a string, found nothing", messageOf { readString(null, "/a") })
    assertEquals("/a: expected a string, found null", messageOf { readString(JsonNull, "/a") })
    assertEquals("/a: expected at most 1 items, found an array of 2", messageOf { readArray(readJson("[1,2]"), "/a", 1) })
    for (number in listOf("1.5", "-1", "9007199254740992", "\"1\"", "1e400")) {
      assertEquals("/a", assertThrows(UnexpectedJsonException::class.java) { readInteger(readJson(number), "/a", 0) }.pointer)
    }
    assertEquals(9007199254740991L, readInteger(readJson("9007199254740991"), "/a", 0))
    assertEquals(100L, readInteger(readJson("1e2"), "/a", 0))
    val long = "x".repeat(100_000)
    assertEquals("/a: expected 64 lower-case hex digits, found \"${"x".repeat(76)}…", messageOf { readSha256(JsonString(long), "/a") })
  }
}
