package dev.hotpatch.phone

import android.os.Bundle
import android.os.Looper
import android.os.SystemClock
import java.io.File
import java.time.Duration
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import org.json.JSONArray
import org.json.JSONObject
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows
import org.robolectric.annotation.Config

/** Phones over Robolectric's Android. What they are told to do comes by lines, and what came of it goes by lines. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class ExpoPhone {
  private val folder = File(System.getProperty("phone.data"))
  private val scope = CoroutineScope(Dispatchers.IO)
  private var app: ExpoApp? = null

  @Test
  fun runs() {
    SystemClock.setCurrentTimeMillis(System.currentTimeMillis())
    val phone = RuntimeEnvironment.getApplication()
    // What a build writes there is given to each app as it starts.
    Shadows.shadowOf(phone.packageManager).getInternalMutablePackageInfo(phone.packageName).applicationInfo!!.metaData =
      Bundle()
    val orders = LinkedBlockingQueue<String>()
    thread(isDaemon = true) {
      generateSequence(::readLine).forEach(orders::add)
      orders.add("")
    }
    say(JSONObject().put("ready", true))
    var last = System.nanoTime()
    while (true) {
      val order = orders.poll(5, TimeUnit.MILLISECONDS)
      if (order == "") return
      if (order != null) obey(JSONObject(order))
      val now = System.nanoTime()
      Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofNanos(now - last))
      last = now
    }
  }

  private fun obey(order: JSONObject) {
    scope.launch {
      val answer = JSONObject().put("id", order.getInt("id"))
      try {
        answer.put("answer", run(order) ?: JSONObject.NULL)
      } catch (error: Throwable) {
        answer.put("error", JSONArray(reasons(error)))
      }
      say(answer)
    }
  }

  private suspend fun run(order: JSONObject): Any? {
    if (order.getString("do") == "start") {
      app?.end()
      val context = PhoneContext(RuntimeEnvironment.getApplication(), File(folder, order.getString("phone")))
      app = ExpoApp(context, order.getJSONObject("configuration"))
    }
    val running = app ?: throw IllegalStateException("no app runs")
    return when (order.getString("do")) {
      "start" -> running.start()
      "state" -> running.state()
      "appear" -> running.appear()
      "crash" -> running.crash(order.getString("message"))
      "check" -> running.check()
      "fetch" -> running.fetch()
      "reload" -> running.reload()
      "extra" -> running.setExtra(order.getString("key"), order.getString("value"))
      "headers" -> running.overrideHeaders(order.getJSONObject("headers"))
      else -> throw IllegalArgumentException(order.toString())
    }
  }

  private fun say(answer: JSONObject) = synchronized(this) { println("PHONE $answer") }
}

fun reasons(error: Throwable) = generateSequence(error) { it.cause }.map { "${it.message ?: it}" }.toList()
