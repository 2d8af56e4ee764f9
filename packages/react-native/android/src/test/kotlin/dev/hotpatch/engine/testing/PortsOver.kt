package dev.hotpatch.engine.testing

import dev.hotpatch.engine.ground.ClockPort
import dev.hotpatch.engine.ground.CryptoPort
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.ground.HttpExchange
import dev.hotpatch.engine.ground.HttpPort
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.protocol.Hasher
import dev.hotpatch.testing.TestCrypto

/** For what needs nothing but files and ciphers: it has no network, no time and no host. */
fun portsOver(files: FilesPort): Ports = Ports(
  files = files,
  http = NoNetwork,
  crypto = RealCrypto,
  clock = NoTime,
  host = NoHost,
  background = { error("nothing is to run in the background") },
  encryption = TestCrypto,
)

private object NoNetwork : HttpPort {
  override fun open(request: HttpRequest): HttpExchange = error("nothing is to be asked for, found ${request.url}")
}

private object RealCrypto : CryptoPort {
  override fun sha256(): Hasher = TestCrypto.sha256()

  override fun verifyEd25519(publicKey: ByteArray, message: ByteArray, signature: ByteArray): Boolean =
    TestCrypto.verifyEd25519(publicKey, message, signature)

  override fun randomUuid(): String = error("nothing is to get an id")
}

private object NoTime : ClockPort {
  override fun now(): Long = error("nothing is to ask for the time")

  override fun elapsed(): Long = error("nothing is to measure")

  override fun sleep(ms: Long) = error("nothing is to wait")

  override fun random(): Double = error("nothing is random")
}

private object NoHost : HostPort {
  override val nativeVersion: String get() = error("nothing is to ask for the binary")
  override val platform: String get() = error("nothing is to ask for the platform")
}
