package dev.hotpatch.engine.server

import dev.hotpatch.engine.ground.Binary
import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.state.ToldTrust

/* The same words in checks and in reports. */

internal fun fieldsOf(device: ToldDevice): Array<Pair<String, Any?>> = arrayOf(
  "appId" to device.appId,
  "deviceId" to device.deviceId,
  "platform" to device.platform,
  "channel" to device.channel,
)

internal fun fieldsOf(binary: Binary): Array<Pair<String, Any?>> = arrayOf(
  "nativeVersion" to binary.nativeVersion,
  "nativeBuild" to binary.nativeBuild,
  "runtimeVersion" to binary.runtimeVersion,
)

internal fun fieldsOf(trust: ToldTrust): Array<Pair<String, Any?>> = arrayOf(
  "highestSequence" to trust.highestSequence,
  "floor" to trust.floor,
  "trustedKeys" to trust.trustedKeys,
  "heldReleaseId" to trust.heldReleaseId,
  "embeddedBuiltAt" to trust.embeddedBuiltAt,
)

/** Of the host alone: its keys the engine tells itself. The build goes with the binary that a report is about. */
internal fun toldAttributes(host: HostPort): Map<String, String> {
  val told = LinkedHashMap<String, String>()
  fun tell(name: String, value: Any?) {
    if (value != null) told[name] = value.toString()
  }
  tell("osVersion", host.osVersion)
  tell("model", host.model)
  tell("locale", host.locale)
  tell("architecture", host.architecture)
  tell("sdkVersion", host.sdkVersion)
  tell("isEmulator", host.isEmulator)
  tell("isProduction", host.isProduction)
  tell("installSource", host.installSource)
  return told
}
