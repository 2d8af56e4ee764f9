package dev.hotpatch.protocol

/** What a device tells of itself that a rule may ask for. */
private val RULE_ATTRIBUTES = DEVICE_ATTRIBUTES.keys + listOf("nativeVersion", "runtimeVersion")

/** Those of them that are versions, so that a range says something of them. */
private val RANGE_ATTRIBUTES = DEVICE_ATTRIBUTES.filterValues { it.isVersion }.keys + "nativeVersion"

const val MAX_ATTRIBUTE_RULES = 20
const val MAX_RULE_VALUES = 100
const val MAX_RULE_VALUE_LENGTH = 200

/**
 * Decision §11: narrows a rollout's audience by what devices tell; data, never code. Values are compared without
 * regard to case, a `*` at the end stands for any rest, and the locale `de` also means `de-AT`.
 * What a device did not tell meets no rule, `notIn` included.
 */
class AttributeRule internal constructor(internal val attribute: String, internal val test: RuleTest)

internal sealed interface RuleTest {
  class InRange(val range: NativeRange) : RuleTest

  /** [isWanted]: the value has to be one of these; else none of them. */
  class OneOf(val isWanted: Boolean, val values: Set<String>, val prefixes: List<String>) : RuleTest
}

/** One attribute as a device told it, as rules compare it; [version] is null when it is none. */
private class ToldValue(val text: String, val version: NativeVersion?)

/** What one device told, each prepared when the first rule asks for it. */
class ToldAttributes(private val device: Device) {
  private val prepared = HashMap<String, ToldValue?>()

  /** Decision §11: whether the device meets every rule. */
  fun meet(rules: List<AttributeRule>): Boolean = rules.all { rule ->
    val told = prepared.getOrPut(rule.attribute) { prepare(rule.attribute) }
    told != null && meets(rule.test, told)
  }

  private fun prepare(attribute: String): ToldValue? {
    val value = when (attribute) {
      "nativeVersion" -> device.nativeVersion
      "runtimeVersion" -> device.runtimeVersion
      else -> device.attributes[attribute]
    } ?: return null
    val text = comparableText(attribute, value)
    if (text.isEmpty()) return null
    return ToldValue(text, if (attribute in RANGE_ATTRIBUTES) parseNativeVersion(value) else null)
  }
}

private fun meets(test: RuleTest, told: ToldValue): Boolean = when (test) {
  is RuleTest.InRange -> told.version != null && isInNativeRange(told.version, test.range)
  is RuleTest.OneOf -> {
    val isOne = told.text in test.values || test.prefixes.any { told.text.startsWith(it) }
    isOne == test.isWanted
  }
}

/** Locales come as de-AT from some systems and as de_AT from others. */
private fun comparableText(attribute: String, value: String): String {
  val text = trimSpace(value).lowercase()
  return if (attribute == "locale") text.replace('_', '-') else text
}

/** @throws UnexpectedJsonException that points at what is not a rule */
fun readAttributeRules(value: JsonValue?, pointer: String): List<AttributeRule> =
  readArray(value, pointer, MAX_ATTRIBUTE_RULES).mapIndexed { index, rule -> readRule(rule, "$pointer/$index") }

private fun readRule(value: JsonValue, pointer: String): AttributeRule {
  val rule = readObject(value, pointer)
  val attribute = readString(
    rule["attribute"],
    "$pointer/attribute",
    "one of ${RULE_ATTRIBUTES.joinToString(", ")}, or custom. with a name of the app's own",
  ) { it in RULE_ATTRIBUTES || isCustomAttribute(it) }
  val tests = rule.fields.keys - "attribute"
  return when (tests.singleOrNull()) {
    "in" -> AttributeRule(attribute, readOneOf(rule["in"], "$pointer/in", attribute, isWanted = true))
    "notIn" -> AttributeRule(attribute, readOneOf(rule["notIn"], "$pointer/notIn", attribute, isWanted = false))
    "range" -> {
      if (attribute !in RANGE_ATTRIBUTES) {
        val expected = "${RANGE_ATTRIBUTES.joinToString(" or ")} with a range"
        throw UnexpectedJsonException("$pointer/attribute", expected, attribute)
      }
      AttributeRule(attribute, RuleTest.InRange(readRange(rule["range"], "$pointer/range")))
    }
    else -> throw UnexpectedJsonException(pointer, "exactly one of range, in and notIn", tests.joinToString(", "))
  }
}

private fun readRange(value: JsonValue?, pointer: String): NativeRange {
  val expected = "a range of versions such as \">=14 <17\""
  val text = readString(value, pointer, expected) { trimSpace(it).isNotEmpty() }
  return parseNativeRange(text) ?: throw UnexpectedJsonException(pointer, expected, text)
}

private fun readOneOf(value: JsonValue?, pointer: String, attribute: String, isWanted: Boolean): RuleTest {
  val values = readArray(value, pointer, MAX_RULE_VALUES).mapIndexed { index, item -> readValue(item, "$pointer/$index") }
  if (values.isEmpty()) throw UnexpectedJsonException(pointer, "at least one value", value)
  val comparable = values.map { comparableText(attribute, it) }
  val prefixes = comparable.mapNotNull {
    if (it.endsWith('*')) it.dropLast(1) else if (attribute == "locale") "$it-" else null
  }
  return RuleTest.OneOf(isWanted, comparable.toSet(), prefixes)
}

private fun readValue(value: JsonValue, pointer: String): String =
  readString(value, pointer, "1 to $MAX_RULE_VALUE_LENGTH characters of text, with \"*\" only at the end") {
    val star = it.indexOf('*')
    trimSpace(it).isNotEmpty() && it.length <= MAX_RULE_VALUE_LENGTH && (star == -1 || star == it.length - 1)
  }
