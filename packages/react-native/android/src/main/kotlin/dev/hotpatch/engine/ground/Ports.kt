package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.Hasher
import dev.hotpatch.protocol.OpeningCrypto
import java.io.IOException

/*
 * What the engine needs of the machine it runs on. The rest of it has no imports from Android or React, so that it runs,
 * and is tested, on any JVM. Everything blocks: the layer above calls from a thread of its own.
 */

enum class FileKind { FILE, DIRECTORY, OTHER }

class FileStat(val kind: FileKind, val sizeBytes: Long)

/** The disk has no more room, or the app may not have more of it. */
class DiskFullException(message: String, cause: Throwable? = null) : IOException(message, cause)

/**
 * The app's private folder. Paths are relative to it, with "/" between names.
 * What fails throws an IOException; a full disk a [DiskFullException].
 */
interface FilesPort {
  /** Null when there is no such file. */
  fun read(path: String): ByteArray?

  /** Fewer bytes than asked for only at the end of the file. */
  fun readRange(path: String, offset: Long, length: Int): ByteArray

  /** Creates or replaces; the content (not yet the name) is durable when it returns. */
  fun write(path: String, bytes: ByteArray)

  /** Writes at `offset` and cuts off whatever lay beyond; creates the file; durable only after `sync`. */
  fun append(path: String, offset: Long, bytes: ByteArray)

  fun sync(path: String)

  /** Makes the names in a directory durable: creations, renames and removals. "" is the folder itself. */
  fun syncDirectory(path: String)

  /** Replaces a file at `to`; `to` must not be a directory. */
  fun rename(from: String, to: String)

  /** With everything in it; does nothing when it is absent. */
  fun remove(path: String)

  /** With its parents; does nothing when it exists. */
  fun makeDirectory(path: String)

  /** The path as the rest of the app needs it, to load the release. */
  fun locate(path: String): String

  /** Null when there is nothing. Never follows a link. */
  fun stat(path: String): FileStat?

  /** Null where the disk does not say it. */
  fun freeBytes(): Long? = null
}

enum class HttpMethod { GET, POST }

class HttpRequest(
  val method: HttpMethod,
  val url: String,
  val headers: Map<String, String>,
  /** Sent as UTF-8. */
  val body: String? = null,
)

/** Nothing came for as long as was allowed. */
class TookTooLongException(message: String) : IOException(message)

interface HttpResponse {
  val status: Int

  /** Names in lower case. */
  val headers: Map<String, String>

  /**
   * What comes next of the body, not empty; null at its end.
   * @throws TookTooLongException when nothing came for so long
   * @throws IOException when the connection fails, or ends before the length that the server told
   */
  fun read(timeoutMs: Long): ByteArray?
}

interface HttpExchange {
  /**
   * Connects, sends, and waits for the head of the answer; called once.
   * @throws TookTooLongException when all that takes so long
   * @throws IOException when the server is not reached
   */
  fun response(timeoutMs: Long): HttpResponse

  /** Ends the exchange at once, from whatever thread; reading its body may then fail or end. Also after its end. */
  fun abort()
}

/** Follows no redirects (the client does, and looks where they lead) and decodes nothing. */
interface HttpPort {
  fun open(request: HttpRequest): HttpExchange
}

interface CryptoPort {
  fun sha256(): Hasher

  /** `publicKey` is the raw 32 bytes. False, not an error, for anything that does not verify. */
  fun verifyEd25519(publicKey: ByteArray, message: ByteArray, signature: ByteArray): Boolean

  fun randomUuid(): String
}

interface ClockPort {
  /** Milliseconds since 1970, by a clock that people and networks set: for time stamps only. */
  fun now(): Long

  /** Milliseconds since any one moment, by a clock that nobody sets: whatever is waited for or bounded. */
  fun elapsed(): Long

  fun sleep(ms: Long)

  /** 0 ≤ x < 1; for back-off only. */
  fun random(): Double
}

/** The app binary around the engine. */
interface HostPort {
  /** As the store shows it. */
  val nativeVersion: String

  /** Of the same version, as the store counts them: without it, builds of one version are the same binary. */
  val nativeBuild: String? get() = null
  val runtimeVersion: String? get() = null

  /**
   * When this binary was built, in milliseconds since 1970, as its build wrote it down: releases that were signed before,
   * and name no binaries that they are for, are then refused. In the future it is not believed (Engine §4).
   */
  val builtAt: Long? get() = null
  val platform: String

  /** Told to the server for audiences and figures; all of them may be left out. */
  val osVersion: String? get() = null
  val model: String? get() = null

  /** Such as "de-AT". */
  val locale: String? get() = null

  /** Such as "arm64". */
  val architecture: String? get() = null

  /** Of the SDK that the engine is part of. */
  val sdkVersion: String? get() = null
  val isEmulator: Boolean? get() = null

  /** Whether this binary is one that users have. */
  val isProduction: Boolean? get() = null

  /** The store that the binary came from, such as "google_play". */
  val installSource: String? get() = null

  /** Starts the app again, for a mandatory update. Where it does nothing the update waits for the next start. */
  fun restart() {}
}

data class EmbeddedFile(val path: String, val sizeBytes: Long)

/** What the binary shipped with, as the engine's releases have it: read, and never written. */
interface EmbeddedFilesPort {
  /** All of it, each time the same, at paths with "/" between names. */
  fun list(): List<EmbeddedFile>

  /** Fewer bytes than asked for only at the end of the file. */
  fun readRange(path: String, offset: Long, length: Int): ByteArray
}

/** Runs it soon, on a thread on which it may take long: what nobody waits for, such as reports after a confirmation. */
fun interface BackgroundPort {
  fun run(work: () -> Unit)
}

class Ports(
  val files: FilesPort,
  val http: HttpPort,
  val crypto: CryptoPort,
  val clock: ClockPort,
  val host: HostPort,
  val background: BackgroundPort,
  /** Without it nothing is made of what the binary shipped with (Engine §5). */
  val embeddedFiles: EmbeddedFilesPort? = null,
  /** Without it nothing that is encrypted is asked for. */
  val encryption: OpeningCrypto? = null,
  /** Everything that the bytes stand for; stops with an error before it is more than the number given. */
  val unpackBrotli: ((packed: ByteArray, sizeBytes: Int) -> ByteArray)? = null,
) {
  private var endFormer: () -> Unit = {}

  /**
   * Where an app loads its code again without a new process, another engine takes the folder over: `end` is called when that
   * happens, and the one before writes nothing any more.
   */
  @Synchronized
  internal fun takeOver(end: () -> Unit) {
    endFormer()
    endFormer = end
  }
}
