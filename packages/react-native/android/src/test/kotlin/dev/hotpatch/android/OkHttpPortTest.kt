package dev.hotpatch.android

import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.HttpResponse
import dev.hotpatch.engine.ground.TookTooLongException
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.security.KeyStore
import java.security.MessageDigest
import java.util.Base64
import java.util.concurrent.CountDownLatch
import javax.net.ssl.KeyManagerFactory
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLPeerUnverifiedException
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager
import kotlin.concurrent.thread
import okhttp3.OkHttpClient
import okhttp3.mockwebserver.Dispatcher
import okhttp3.mockwebserver.MockResponse
import okhttp3.mockwebserver.MockWebServer
import okhttp3.mockwebserver.RecordedRequest
import okhttp3.mockwebserver.SocketPolicy
import okio.Buffer
import org.junit.After
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

private const val LONG_MS = 60_000L
private const val SHORT_MS = 50L

class OkHttpPortTest {
  @get:Rule val folder = TemporaryFolder()
  private val server = MockWebServer()
  private val url get() = server.url("/a").toString()

  @After fun stop() = server.shutdown()

  private fun get(url: String = this.url, headers: Map<String, String> = emptyMap(), port: OkHttpPort = OkHttpPort()) =
    port.open(HttpRequest(HttpMethod.GET, url, headers)).response(LONG_MS)

  private fun HttpResponse.all(): ByteArray {
    val all = ByteArrayOutputStream()
    while (true) all.write(read(LONG_MS) ?: return all.toByteArray())
  }

  @Test
  fun `what is sent is what was said, and names come back in lower case`() {
    server.enqueue(MockResponse().setResponseCode(201).addHeader("X-One", "1").addHeader("X-One", "2").setBody("hello"))
    val request = HttpRequest(HttpMethod.POST, url, mapOf("content-type" to "application/json", "x-app-key" to "k"), "{\"ü\":1}")
    val response = OkHttpPort().open(request).response(LONG_MS)
    assertEquals(201, response.status)
    assertEquals("1, 2", response.headers["x-one"])
    assertEquals("hello", response.all().decodeToString())
    assertNull(response.read(LONG_MS))
    val received = server.takeRequest()
    assertEquals("POST", received.method)
    assertEquals("application/json", received.getHeader("Content-Type"))
    assertEquals("k", received.getHeader("x-app-key"))
    assertEquals("{\"ü\":1}", received.body.readUtf8())
  }

  @Test
  fun `nothing is decoded`() {
    val packed = byteArrayOf(31, -117, 8, 0)
    server.enqueue(MockResponse().addHeader("Content-Encoding", "gzip").setBody(Buffer().write(packed)))
    assertArrayEquals(packed, get().all())
    assertEquals("identity", server.takeRequest().getHeader("Accept-Encoding"))
  }

  @Test
  fun `no redirect is followed`() {
    server.enqueue(MockResponse().setResponseCode(302).addHeader("Location", "/b"))
    val response = get()
    assertEquals(302, response.status)
    assertEquals("/b", response.headers["location"])
    assertEquals(1, server.requestCount)
  }

  @Test
  fun `a body of any size comes in pieces`() {
    val bytes = ByteArray(300_000) { it.toByte() }
    server.enqueue(MockResponse().setChunkedBody(Buffer().write(bytes), 7_000))
    val response = get()
    val all = ByteArrayOutputStream()
    while (true) {
      val piece = response.read(LONG_MS) ?: break
      assertTrue(piece.size in 1..65_536)
      all.write(piece)
    }
    assertArrayEquals(bytes, all.toByteArray())
  }

  @Test
  fun `a body that ends too early fails`() {
    val answer = MockResponse().setBody("0123456789").setSocketPolicy(SocketPolicy.DISCONNECT_DURING_RESPONSE_BODY)
    server.enqueue(answer)
    assertThrows(IOException::class.java) { get().all() }
  }

  @Test
  fun `an answer that does not come takes too long`() {
    server.enqueue(MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE))
    val exchange = OkHttpPort().open(HttpRequest(HttpMethod.GET, url, emptyMap()))
    assertThrows(TookTooLongException::class.java) { exchange.response(SHORT_MS) }
  }

  @Test
  fun `silence within a body takes too long, and what came before is kept`() {
    server.enqueue(MockResponse().setBody("0123456789").setHeader("Content-Length", "20"))
    val response = get()
    var received = 0
    while (received < 10) received += checkNotNull(response.read(LONG_MS)).size
    assertThrows(TookTooLongException::class.java) { response.read(SHORT_MS) }
  }

  @Test
  fun `an exchange is ended from another thread`() {
    val asked = CountDownLatch(1)
    server.dispatcher = object : Dispatcher() {
      override fun dispatch(request: RecordedRequest): MockResponse {
        asked.countDown()
        return MockResponse().setSocketPolicy(SocketPolicy.NO_RESPONSE)
      }
    }
    val exchange = OkHttpPort().open(HttpRequest(HttpMethod.GET, url, emptyMap()))
    val ender = thread {
      asked.await()
      exchange.abort()
    }
    assertThrows(IOException::class.java) { exchange.response(LONG_MS) }
    ender.join()
  }

  @Test
  fun `what was ended before it began does not begin`() {
    server.enqueue(MockResponse())
    val exchange = OkHttpPort().open(HttpRequest(HttpMethod.GET, url, emptyMap()))
    exchange.abort()
    assertThrows(IOException::class.java) { exchange.response(LONG_MS) }
    assertEquals(0, server.requestCount)
  }

  @Test
  fun `what is no address or no header fails like a network`() {
    assertThrows(IOException::class.java) { get("ftp://example.com/") }
    assertThrows(IOException::class.java) { get(headers = mapOf("a" to "\u0001")) }
  }

  @Test
  fun `a server must have the key that is pinned`() {
    val identity = identityOf("localhost")
    server.useHttps(identity.context.socketFactory, false)
    repeat(2) { server.enqueue(MockResponse().setBody("hello")) }
    val client = OkHttpClient.Builder().sslSocketFactory(identity.context.socketFactory, identity.trust).build()
    val right = listOf(CertificatePin("localhost", identity.pin), CertificatePin("example.com", wrongPin))
    val secure = server.url("/a").newBuilder().host("localhost").build().toString()
    assertEquals("hello", get(secure, port = OkHttpPort(right, client)).all().decodeToString())
    val wrong = OkHttpPort(listOf(CertificatePin("localhost", wrongPin)), client)
    assertThrows(SSLPeerUnverifiedException::class.java) { get(secure, port = wrong) }
    assertEquals(1, server.requestCount)
  }

  private val wrongPin = "sha256/" + Base64.getEncoder().encodeToString(ByteArray(32))

  private class Identity(val context: SSLContext, val trust: X509TrustManager, val pin: String)

  /** A certificate for a day, by the JDK's tool. */
  private fun identityOf(host: String): Identity {
    val file = folder.root.resolve("identity.p12")
    val password = "changeit"
    val tool = System.getProperty("java.home") + "/bin/keytool"
    val made = ProcessBuilder(
      tool, "-genkeypair", "-alias", "a", "-keyalg", "EC", "-validity", "1", "-dname", "CN=$host", "-ext", "SAN=dns:$host",
      "-keystore", file.path, "-storetype", "PKCS12", "-storepass", password,
    ).redirectErrorStream(true).start()
    val said = made.inputStream.readBytes().decodeToString()
    check(made.waitFor() == 0) { said }
    val store = KeyStore.getInstance("PKCS12")
    file.inputStream().use { store.load(it, password.toCharArray()) }
    val keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm())
    keys.init(store, password.toCharArray())
    val trusted = KeyStore.getInstance(KeyStore.getDefaultType()).apply { load(null) }
    trusted.setCertificateEntry("a", store.getCertificate("a"))
    val trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(trusted) }
    val context = SSLContext.getInstance("TLS").apply { init(keys.keyManagers, trust.trustManagers, null) }
    val digest = MessageDigest.getInstance("SHA-256").digest(store.getCertificate("a").publicKey.encoded)
    val pin = "sha256/" + Base64.getEncoder().encodeToString(digest)
    return Identity(context, trust.trustManagers.first() as X509TrustManager, pin)
  }
}
