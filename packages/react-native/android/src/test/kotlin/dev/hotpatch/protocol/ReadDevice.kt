package dev.hotpatch.protocol

import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.long
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts

/** As vectors about decisions have it: what is absent or null was not told. */
fun readDevice(json: JsonValue): Device = Device(
  id = json.text("id"),
  nativeVersion = json.find("nativeVersion")?.text,
  runtimeVersion = json.find("runtimeVersion")?.text,
  currentReleaseId = json.find("currentReleaseId")?.text,
  failedReleaseIds = json.texts("failedReleaseIds"),
  attributes = (json.find("attributes") as JsonObject?)?.fields.orEmpty().mapValues { it.value.text },
  trust = json.find("trust")?.let(::readTrust) ?: DeviceTrust(0, 0, emptyList(), null, null),
)

private fun readTrust(json: JsonValue) = DeviceTrust(
  highWater = json.long("highWater"),
  floor = json.long("floor"),
  keyIds = json.texts("keyIds"),
  heldReleaseId = json.find("heldReleaseId")?.text,
  builtAt = json.find("builtAt")?.let { json.long("builtAt") },
)
