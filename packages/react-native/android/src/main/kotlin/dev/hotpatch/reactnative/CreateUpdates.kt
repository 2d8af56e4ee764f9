package dev.hotpatch.reactnative

import android.content.Context
import dev.hotpatch.android.AndroidCrypto
import dev.hotpatch.android.AndroidEncryption
import dev.hotpatch.android.AndroidFiles
import dev.hotpatch.android.AndroidHost
import dev.hotpatch.android.ApkFiles
import dev.hotpatch.android.DeviceMemory
import dev.hotpatch.android.NativeConfiguration
import dev.hotpatch.android.OkHttpPort
import dev.hotpatch.android.SystemClock
import dev.hotpatch.android.unpackBrotli
import dev.hotpatch.engine.ground.Ports
import java.io.File

private const val FOLDER = "hotpatch"

/** Everything is built here, once in a process. */
internal fun createUpdates(context: Context, native: NativeConfiguration, onRestart: () -> Unit): Updates {
  // No backup brings it to another phone, whose binary is another one.
  val files = AndroidFiles(File(context.noBackupFilesDir, FOLDER))
  val background = Lane("reports")
  val ports = Ports(
    files = files,
    http = OkHttpPort(native.pins),
    crypto = AndroidCrypto,
    clock = SystemClock,
    host = AndroidHost(context, native, onRestart),
    background = { work -> background.run(work) },
    embeddedFiles = ApkFiles(context.assets),
    encryption = AndroidEncryption,
    unpackBrotli = ::unpackBrotli,
  )
  return Updates(ports, native, DeviceMemory(files, AndroidCrypto))
}
