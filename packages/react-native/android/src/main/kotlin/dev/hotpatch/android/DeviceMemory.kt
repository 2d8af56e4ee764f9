package dev.hotpatch.android

import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString
import java.io.IOException

private const val FOLDER = "device"
private const val IDENTITY = "$FOLDER/identity.json"
private const val CHANNEL = "$FOLDER/channel.json"
private val UUID = Regex("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

/** What a device remembers that is no update: it lies beside `ota/`, and no backup takes it to another phone. */
class DeviceMemory(private val files: FilesPort, private val crypto: CryptoPort) {
  /** Random, and the same until the app is removed. Where it cannot be kept it is one for this process. */
  val deviceId: String by lazy { readText(IDENTITY, "deviceId") { UUID.matches(it) } ?: newDeviceId() }

  /** The one that was chosen here, if one was. */
  @get:Synchronized
  var channel: String? = null
    get() {
      if (!hasRead) field = readText(CHANNEL, "channel") { isChannel(it) }
      hasRead = true
      return field
    }
    private set
  private var hasRead = false

  /** Null forgets it. @throws IOException when it cannot be remembered */
  @Synchronized
  fun chooseChannel(chosen: String?) {
    if (chosen == null) {
      files.remove(CHANNEL)
      if (files.stat(FOLDER) != null) files.syncDirectory(FOLDER)
    } else write(CHANNEL, "channel", chosen)
    channel = chosen
    hasRead = true
  }

  private fun newDeviceId(): String {
    val id = crypto.randomUuid()
    try {
      write(IDENTITY, "deviceId", id)
    } catch (_: IOException) {
      // Updates go on without it; the server sees one more device.
    }
    return id
  }

  private fun readText(path: String, name: String, isGood: (String) -> Boolean): String? = try {
    readJsonFile(files, path) { readString(readObject(it, "")[name], "/$name", "what was written", isGood) }
  } catch (_: IOException) {
    null // As good as damaged, which is as good as absent.
  }

  private fun write(path: String, name: String, text: String) {
    files.makeDirectory(FOLDER)
    files.syncDirectory("")
    writeJsonFile(files, path, jsonOf(name to text))
  }
}

private const val MAX_CHANNEL = 200

/** As much as a server takes; which channels there are it knows itself. */
fun isChannel(text: String): Boolean = text.isNotEmpty() && text.length <= MAX_CHANNEL && '\u0000' !in text
