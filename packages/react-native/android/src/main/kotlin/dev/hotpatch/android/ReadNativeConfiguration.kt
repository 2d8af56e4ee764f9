package dev.hotpatch.android

import android.content.Context
import android.content.pm.PackageManager
import android.os.Bundle

/** @throws NativeConfigurationException */
fun readNativeConfiguration(context: Context): NativeConfiguration {
  val application = context.packageManager.getApplicationInfo(context.packageName, PackageManager.GET_META_DATA)
  return readNativeConfiguration(application.metaData ?: Bundle())
}

/** @throws NativeConfigurationException */
fun readNativeConfiguration(metaData: Bundle): NativeConfiguration {
  val reader = MetaDataReader(metaData)
  val configuration = NativeConfiguration(
    apiUrl = reader.text("apiUrl"),
    appId = reader.text("appId"),
    appKey = reader.text("appKey"),
    channel = reader.text("channel"),
    publicKeys = reader.keys("publicKeys", MAX_PUBLIC_KEYS, isSecret = false),
    decryptionKeys = reader.keys("decryptionKeys", MAX_DECRYPTION_KEYS, isSecret = true),
    pins = reader.pins("pins"),
    allowInsecure = reader.insecureAddresses("allowInsecure"),
    runtimeVersion = reader.text("runtimeVersion"),
    builtAt = reader.time("builtAt"),
  )
  val edge = reader.edge("edgeUrl", "edgeOrder", hasKeys = configuration.publicKeys.isNotEmpty())
  reader.refuseUnknownNames()
  if (reader.mistakes.isNotEmpty()) throw NativeConfigurationException(reader.mistakes)
  return configuration.copy(edge = edge)
}

private const val MAX_PUBLIC_KEYS = 20
private const val MAX_DECRYPTION_KEYS = 8
