package dev.hotpatch.engine.scenarios

import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.utf8FromText
import dev.hotpatch.protocol.writeJson
import dev.hotpatch.testing.at
import dev.hotpatch.testing.long
import dev.hotpatch.testing.text
import java.util.Base64

/** What is sent over the network or lies on the disk, by its name. */
class Bodies(private val file: JsonObject) {
  private val known = HashMap<String, ByteArray>()

  fun bytesOf(name: String): ByteArray = known.getOrPut(name) {
    val body = file.at("bodies").at(name) as JsonObject
    when {
      body["json"] != null -> utf8FromText(writeJson(body.at("json")))
      body["text"] != null -> utf8FromText(body.text("text"))
      body["zeros"] != null -> ByteArray(body.long("zeros").toInt())
      else -> Base64.getDecoder().decode(body.text("base64"))
    }
  }

  /** Path to bytes, of what is written as path to the name of a body. */
  fun filesOf(named: JsonObject): Map<String, ByteArray> = named.fields.mapValues { bytesOf(it.value.text) }
}
