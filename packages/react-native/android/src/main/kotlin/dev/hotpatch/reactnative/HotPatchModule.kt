package dev.hotpatch.reactnative

import com.facebook.react.bridge.Promise
import com.facebook.react.bridge.ReactApplicationContext
import com.facebook.react.modules.core.DeviceEventManagerModule.RCTDeviceEventEmitter
import dev.hotpatch.android.SystemClock

private const val EVENT = "HotPatchEvent"

/** The native module of both architectures: hands on what is asked, each kind in a lane of its own. */
class HotPatchModule(private val react: ReactApplicationContext) : NativeHotPatchSpec(react) {
  private val calls = HotPatch.calls(react)
  private val events = EventSender(SystemClock, ::emit)

  /** Nothing that is quick waits for a download. */
  private val quick = Lane("state")
  private val settings = Lane("settings")
  private val reports = Lane("flush")
  private val checks = JoinedCalls(Lane("check"), calls::check)
  private val downloads = JoinedCalls(Lane("download"), calls::download)
  private val syncs = JoinedCalls(Lane("sync"), calls::sync)

  override fun initialize() {
    HotPatch.listen(events::hear)
    HotPatch.onRestart = { settings.run { calls.restart(ReactReload(react)) } }
  }

  override fun status(): String = calls.status()

  override fun configure(configuration: String, promise: Promise) =
    settings.answer(promise) { calls.configure(configuration) }

  override fun check(promise: Promise) = checks.call(promise)

  override fun download(promise: Promise) = downloads.call(promise)

  override fun sync(promise: Promise) = syncs.call(promise)

  override fun confirm(promise: Promise) = quick.answer(promise) { calls.confirm() }

  override fun crashed(): Boolean = calls.crashed()

  override fun rollBack(promise: Promise) = quick.answer(promise) { calls.rollBack() }

  override fun restart(promise: Promise) = settings.answer(promise) { calls.restart(ReactReload(react)) }

  override fun setChannel(channel: String?, promise: Promise) =
    settings.answer(promise) { calls.setChannel(channel) }

  override fun flushReports(promise: Promise) = reports.answer(promise) {
    calls.flushReports()
    null
  }

  override fun addListener(eventName: String) = events.addListener()

  override fun removeListeners(count: Double) = events.removeListeners(count.toInt())

  private fun Lane.answer(promise: Promise, work: () -> Any?) = run { promise.settle(runCatching(work)) }

  private fun emit(event: String) {
    // JavaScript may be gone by now, and with it whoever would hear of it.
    if (react.hasActiveReactInstance()) react.getJSModule(RCTDeviceEventEmitter::class.java).emit(EVENT, event)
  }
}
