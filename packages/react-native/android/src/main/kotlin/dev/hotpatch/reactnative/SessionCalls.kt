package dev.hotpatch.reactnative

import dev.hotpatch.android.isChannel
import dev.hotpatch.engine.engine.Engine
import dev.hotpatch.engine.engine.UpdateOutcome
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.UnexpectedJsonException
import java.io.IOException
import kotlin.concurrent.read

/** What JavaScript asks while its session runs. */
internal class SessionCalls(private val updates: Updates, private val session: UpdateSession) : UpdateCalls {
  private val engine get() = session.engine

  override fun status(): String {
    val status = engine.status()
    val facts = StatusFacts(updates.ports.host, updates.channel, updates.deviceId, session.isConfigured, status.problem)
    return statusText(status, facts)
  }

  override fun configure(configuration: String): String {
    try {
      updates.configure(readAppConfiguration(configuration))
    } catch (error: UnexpectedJsonException) {
      throw configInvalid(error.message.orEmpty(), error)
    }
    return status()
  }

  override fun check(): String = ask { it.check() }

  override fun download(): String = ask { it.download() }

  override fun sync(): String = ask { it.sync() }

  override fun confirm(): Boolean = !session.isOver && engine.confirm()

  override fun crashed(): Boolean = !session.isOver && engine.crashed()

  override fun rollBack(): Boolean = !session.isOver && engine.rollBack()

  override fun restart(reload: Reload): Boolean = !session.isOver && updates.restart(reload)

  override fun setChannel(channel: String?): String {
    if (channel != null && !isChannel(channel)) throw configInvalid("/channel: expected the name of a channel, found \"${channel.take(80)}\"")
    try {
      updates.chooseChannel(channel)
    } catch (error: IOException) {
      throw configInvalid("the channel cannot be remembered: ${error.message}", error)
    }
    return status()
  }

  override fun flushReports() = updates.work.read { if (!session.isOver) engine.flushReports() }

  private fun ask(work: (Engine) -> UpdateOutcome): String = updates.work.read {
    if (session.isOver) return outcomeText(UpdateOutcome.Failed(ended(), releaseId = null))
    if (!session.isConfigured) throw notConfigured()
    outcomeText(work(engine))
  }

  private fun ended() = UpdateError(SdkCode.INSTALL_FAILED, "another release was chosen, and its JavaScript is being loaded")
}
