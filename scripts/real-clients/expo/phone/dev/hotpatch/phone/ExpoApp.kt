package dev.hotpatch.phone

import android.net.Uri
import com.facebook.react.bridge.ReactMarker
import com.facebook.react.bridge.ReactMarkerConstants
import com.facebook.react.devsupport.interfaces.DevSupportManager
import expo.modules.updates.EnabledUpdatesController
import expo.modules.updates.IUpdatesController.CheckForUpdateResult
import expo.modules.updates.IUpdatesController.FetchUpdateResult
import expo.modules.updates.UpdatesConfiguration
import expo.modules.updates.UpdatesUtils
import expo.modules.updates.db.UpdatesDatabase
import expo.modules.updates.logging.UpdatesLogReader
import expo.modules.updates.manifest.EmbeddedManifestUtils
import java.io.File
import java.util.Date
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import org.json.JSONArray
import org.json.JSONObject

/** A process of an app: the client's controller, as `UpdatesController.initialize` makes it. */
class ExpoApp(private val context: PhoneContext, configuration: JSONObject) {
  private val startedAt = Date()
  private val controller: EnabledUpdatesController
  private val died = mutableListOf<String>()

  init {
    forget()
    val directory = UpdatesUtils.getOrCreateUpdatesDirectory(context)
    controller = EnabledUpdatesController(context, UpdatesConfiguration(context, valuesOf(configuration)), directory)
  }

  suspend fun start(): JSONObject {
    controller.start()
    controller.onDidCreateDevSupportManager(object : DevSupportManager {})
    controller.launchAssetFile
    until("the startup has ended") { !controller.getConstantsForModule().initialContext.isStartupProcedureRunning }
    return state()
  }

  fun end() {
    controller.shutdown()
    UpdatesDatabase.getInstance(context, Dispatchers.IO).close()
  }

  fun appear() = ReactMarker.logMarker(ReactMarkerConstants.CONTENT_APPEARED).let { null }

  /** As React Native tells of what its JavaScript threw. */
  suspend fun crash(message: String): JSONObject {
    val before = Thread.getDefaultUncaughtExceptionHandler()
    Thread.setDefaultUncaughtExceptionHandler { _, error -> died += reasons(error) }
    val restarts = restarts()
    try {
      controller.onReactInstanceException(RuntimeException(message))
      until("it has recovered, or ended") { died.isNotEmpty() || restarts() > restarts }
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(before)
    }
    return state()
  }

  suspend fun check(): JSONObject = when (val result = controller.checkForUpdate()) {
    is CheckForUpdateResult.UpdateAvailable -> kind("update").put("manifest", result.update.manifest.getRawJson())
    is CheckForUpdateResult.RollBackToEmbedded -> kind("roll-back").put("commitTime", result.commitTime.time)
    is CheckForUpdateResult.NoUpdateAvailable -> kind("nothing").put("reason", result.reason.name)
    is CheckForUpdateResult.ErrorResult -> kind("error").put("reasons", JSONArray(reasons(result.error)))
  }

  suspend fun fetch(): JSONObject = when (val result = controller.fetchUpdate()) {
    is FetchUpdateResult.Success -> kind("update").put("id", result.update.id.toString())
    is FetchUpdateResult.RollBackToEmbedded -> kind("roll-back")
    is FetchUpdateResult.Failure -> kind("nothing")
    is FetchUpdateResult.ErrorResult -> kind("error").put("reasons", JSONArray(reasons(result.error)))
  }

  suspend fun reload(): JSONObject {
    controller.relaunchReactApplicationForModule()
    return state()
  }

  suspend fun setExtra(key: String, value: String) = controller.setExtraParam(key, value).let { null }

  fun overrideHeaders(headers: JSONObject) =
    controller.setUpdateRequestHeadersOverride(texts(headers)).let { null }

  fun state(): JSONObject {
    val constants = controller.getConstantsForModule()
    val files = constants.localAssetFiles.orEmpty().entries.associate { (asset, address) -> asset.key to textOf(address) }
    val known = UpdatesDatabase.getInstance(context, Dispatchers.IO).updateDao().loadAllUpdates().map {
      JSONObject()
        .put("id", it.id.toString())
        .put("commitTime", it.commitTime.time)
        .put("status", it.status.name)
        .put("failed", it.failedLaunchCount)
        .put("launched", it.successfulLaunchCount)
    }
    return JSONObject()
      .put("id", constants.launchedUpdate?.id?.toString())
      .put("isEmbedded", constants.launchedUpdate?.id == constants.embeddedUpdate?.id)
      .put("isEmergency", constants.emergencyLaunchException != null)
      .put("bundle", controller.launchAssetFile?.let(::textOf))
      .put("assets", JSONObject(files))
      .put("updates", JSONArray(known))
      .put("restarts", restarts())
      .put("died", JSONArray(died))
      .put("log", JSONArray(UpdatesLogReader(context.filesDir).getLogEntries(startedAt)))
  }

  private fun restarts() = controller.getConstantsForModule().initialContext.restartCount

  private fun textOf(address: String): String = when {
    address.startsWith(IN_BINARY) -> context.assets.open(address.removePrefix(IN_BINARY)).bufferedReader().readText()
    address.startsWith("file:") -> File(Uri.parse(address).path!!).readText()
    else -> File(address).readText()
  }

  private suspend fun until(what: String, isSo: () -> Boolean) {
    val patience = System.nanoTime() + PATIENCE_NS
    while (!isSo()) {
      if (System.nanoTime() > patience) throw IllegalStateException("It never came to this: $what.\n${state()}")
      delay(10)
    }
  }

  private companion object {
    const val IN_BINARY = "assets://"
    const val PATIENCE_NS = 60_000_000_000L

    /** What goes with a process. */
    fun forget() {
      ReactMarker.forgetListeners()
      for ((holder, name) in listOf(
        EmbeddedManifestUtils::class.java to "sEmbeddedUpdate",
        UpdatesDatabase::class.java to "INSTANCE",
      )) {
        holder.getDeclaredField(name).apply { isAccessible = true }.set(null, null)
      }
    }

    fun kind(name: String): JSONObject = JSONObject().put("kind", name)

    fun texts(object_: JSONObject): Map<String, String> = object_.keys().asSequence().associateWith(object_::getString)

    fun valuesOf(configuration: JSONObject): Map<String, Any> =
      configuration.keys().asSequence().associateWith { key ->
        val value = configuration.get(key)
        when {
          key == "updateUrl" -> Uri.parse(value as String)
          value is JSONObject -> texts(value)
          else -> value
        }
      }
  }
}
