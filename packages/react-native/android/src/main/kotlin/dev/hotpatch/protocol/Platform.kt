package dev.hotpatch.protocol

/** Where an app runs. A release for `any` serves every platform of its app. */
val PLATFORMS = listOf("ios", "android", "web", "windows", "macos", "linux", "any")

/** @throws UnexpectedJsonException */
fun readPlatform(value: JsonValue?, pointer: String): String =
  readString(value, pointer, "one of ${PLATFORMS.joinToString(", ")}") { it in PLATFORMS }
