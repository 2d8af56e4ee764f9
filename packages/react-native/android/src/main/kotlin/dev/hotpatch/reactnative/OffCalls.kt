package dev.hotpatch.reactnative

import dev.hotpatch.android.DeviceMemory
import dev.hotpatch.engine.engine.EngineStatus
import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.protocol.SdkCode

/** Where updates are off, as the app is not set up for them: what the binary shipped with runs, and JavaScript hears why. */
internal class OffCalls(private val host: HostPort, private val memory: DeviceMemory?, private val reason: String) :
  UpdateCalls {
  override fun status(): String {
    val problem = UpdateError(SdkCode.INSTALL_FAILED, reason)
    val channel = memory?.channel ?: DEFAULT_CHANNEL
    return statusText(EngineStatus(), StatusFacts(host, channel, memory?.deviceId.orEmpty(), isConfigured = false, problem))
  }

  override fun configure(configuration: String) = refuse()

  override fun check() = refuse()

  override fun download() = refuse()

  override fun sync() = refuse()

  override fun setChannel(channel: String?) = refuse()

  override fun flushReports() = Unit

  /** Nothing is there that was to be confirmed. */
  override fun confirm() = true

  override fun crashed() = false

  override fun rollBack() = false

  override fun restart(reload: Reload) = false

  private fun refuse(): Nothing = throw configInvalid(reason)
}
