package dev.hotpatch.phone

import android.app.Activity
import android.content.Context
import android.content.ContextWrapper
import com.facebook.react.ReactApplication
import com.facebook.react.ReactHost
import com.facebook.react.common.LifecycleState
import java.io.File

/** What an app keeps is in a folder that outlives its process. */
class PhoneContext(base: Context, private val folder: File) : ContextWrapper(base), ReactApplication {
  override fun getApplicationContext() = this

  override fun getFilesDir() = below("files")

  override fun getCacheDir() = below("cache")

  override fun getDatabasePath(name: String) = File(below("databases"), name)

  override fun getSharedPreferences(name: String, mode: Int) =
    super.getSharedPreferences("${folder.name}-$name", mode)

  private fun below(name: String) = File(folder, name).apply { mkdirs() }

  override val reactHost = object : ReactHost {
    override val lifecycleState = LifecycleState.RESUMED

    override fun onHostResume(activity: Activity?) = Unit

    /** The bundle would be run again; who asks for the app's state sees which it is. */
    override fun reload(reason: String) = Unit
  }
}
