package dev.hotpatch.android

import android.content.res.AssetManager
import java.io.File
import java.io.FileNotFoundException
import java.util.zip.CRC32
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class ApkFilesTest {
  @get:Rule val folder = TemporaryFolder()

  private val bundle = ByteArray(200_000) { (it * 31 / 7).toByte() }

  private fun assetsOf(vararg files: Pair<String, ByteArray>, isStored: Boolean = false): AssetManager {
    val apk = folder.newFile() // Android keeps what it has read of one.
    ZipOutputStream(apk.outputStream()).use { zip ->
      for ((path, bytes) in files) {
        zip.putNextEntry(if (isStored) stored(path, bytes) else ZipEntry(path))
        zip.write(bytes)
      }
    }
    val assets = AssetManager::class.java.getDeclaredConstructor().newInstance()
    val add = AssetManager::class.java.getMethod("addAssetPath", String::class.java)
    check(add.invoke(assets, apk.path) as Int > 0)
    return assets
  }

  private fun stored(path: String, bytes: ByteArray) = ZipEntry(path).apply {
    method = ZipEntry.STORED
    size = bytes.size.toLong()
    crc = CRC32().apply { update(bytes) }.value
  }

  @Test
  fun `of an APK the bundle is what it shipped with, whether it is compressed or not`() {
    for (isStored in listOf(true, false)) {
      val files = ApkFiles(assetsOf("assets/index.android.bundle" to bundle, "assets/app.json" to bundle, isStored = isStored))
      assertEquals(listOf("index.android.bundle" to 200_000L), files.list().map { it.path to it.sizeBytes })
      val pieces = (0L until 5).map { files.readRange("index.android.bundle", it * 65_536, 65_536) }
      assertArrayEquals(bundle, pieces.reduce { all, piece -> all + piece })
    }
  }

  @Test
  fun `it is read in whatever order`() {
    val files = ApkFiles(assetsOf("assets/index.android.bundle" to bundle))
    for ((offset, length) in listOf(150_000 to 10, 5 to 100_000, 100_005 to 10, 0 to 3, 199_990 to 50, 300_000 to 5)) {
      val expected = bundle.drop(offset).take(length).toByteArray()
      assertArrayEquals("$offset", expected, files.readRange("index.android.bundle", offset.toLong(), length))
    }
  }

  @Test
  fun `a build for developers has none`() {
    assertEquals(emptyList<Any>(), ApkFiles(assetsOf("assets/app.json" to bundle)).list())
  }

  @Test
  fun `nothing else is read`() {
    val files = ApkFiles(assetsOf("assets/index.android.bundle" to bundle, "assets/secret" to bundle))
    assertThrows(FileNotFoundException::class.java) { files.readRange("secret", 0, 1) }
  }
}
