package dev.hotpatch.reactnative

import android.util.Log
import dev.hotpatch.android.DeviceMemory
import dev.hotpatch.android.EMBEDDED_BUNDLE
import dev.hotpatch.android.NativeConfiguration
import dev.hotpatch.engine.engine.createEngine
import dev.hotpatch.engine.ground.EngineConfig
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.recovery.Launch
import java.io.File
import java.util.concurrent.locks.ReentrantReadWriteLock
import kotlin.concurrent.write

internal const val TAG = "HotPatch"

/** Of a release without the file that React Native runs it is gone back from, and from the one before it. */
private const val MAX_BEGINNINGS = 3

/** What a process has of updates: the session that runs, and what is said of all of them. */
internal class Updates(val ports: Ports, val native: NativeConfiguration, val memory: DeviceMemory) {
  /** Whoever hears of it: the module of the JavaScript that runs. */
  @Volatile var listener: ((EngineEvent) -> Unit)? = null

  /** What asks the server holds it for reading: an engine's folder is another's only when nothing is under way in it. */
  val work = ReentrantReadWriteLock()

  @Volatile lateinit var session: UpdateSession
    private set

  /** Said by JavaScript, and kept for the sessions after this one. */
  @Volatile var app = AppConfiguration()
    private set

  /** Before React, in the main thread; without a network. */
  fun begin(inBackground: Boolean) {
    repeat(MAX_BEGINNINGS) {
      val engine = createEngine(ports)
      val launched = engine.start(inBackground)
      val bundle = (launched as? Launch.Release)?.let { File(it.directory, EMBEDDED_BUNDLE).path }
      if (bundle == null || File(bundle).isFile) return open(UpdateSession(engine, bundle), launched)
      Log.e(TAG, "The release ${launched.releaseId} has no $EMBEDDED_BUNDLE: it is gone back from.")
      engine.rollBack()
    }
    // Nothing of it can be written: what the binary shipped with runs, and nobody confirms what does not run.
    val engine = createEngine(ports)
    val launched = engine.start(inBackground)
    open(UpdateSession(engine, bundle = null).apply { isOver = true }, launched)
  }

  private fun open(opened: UpdateSession, launched: Launch) {
    Log.i(TAG, if (launched is Launch.Release) "runs ${launched.version}, ${launched.releaseId}" else "runs what it shipped with")
    opened.engine.subscribe { listener?.invoke(it) }
    session = opened
    reconfigure()
  }

  /** Holds from the next check on. */
  fun configure(next: AppConfiguration) {
    app = next
    reconfigure()
  }

  fun chooseChannel(channel: String?) {
    memory.chooseChannel(channel)
    reconfigure()
  }

  val channel: String get() = channelOf(native, app, memory.channel)

  val deviceId: String get() = app.deviceId ?: memory.deviceId

  private fun reconfigure() {
    val config: EngineConfig = engineConfigOf(native, app, channel, deviceId) ?: return
    session.engine.configure(config)
    session.isConfigured = true
  }

  /**
   * Chooses anew what runs. The session before it is over: what its JavaScript still says is not of what was chosen now.
   * @return whether that is loaded, too
   */
  fun restart(reload: Reload): Boolean {
    if (!reload.isPossible()) return false
    work.write {
      session.isOver = true
      begin(inBackground = false)
    }
    val isLoaded = reload.load(session.bundle)
    // What was chosen does not run, and must not be confirmed by what does. The next start of the app begins it.
    if (!isLoaded) session.isOver = true
    return isLoaded
  }
}
