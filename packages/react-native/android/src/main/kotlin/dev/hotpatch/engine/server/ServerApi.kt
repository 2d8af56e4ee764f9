package dev.hotpatch.engine.server

import dev.hotpatch.engine.ground.AnswerTooLongException
import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Report
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.SmallAnswer
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.backOff
import dev.hotpatch.engine.ground.binaryOf
import dev.hotpatch.engine.ground.exchangeSmall
import dev.hotpatch.engine.ground.isAllowedAddress
import dev.hotpatch.engine.ground.isFinalStatus
import dev.hotpatch.engine.ground.isoTime
import dev.hotpatch.engine.ground.jsonFromUtf8
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.messageOf
import dev.hotpatch.engine.ground.retryAfter
import dev.hotpatch.engine.state.ToldTrust
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.writeJson

/** The server, as the device sees it. */
class ServerApi(
  private val ports: Ports,
  private val settings: Settings,
  private val contract: UpdateContract,
  /** Of the keys that it decrypts by. */
  private val decryptionKeyIds: () -> List<String>,
) {
  private val clock get() = ports.clock
  private val limits get() = settings.limits
  private val server = settings.config.serverUrl.trimEnd('/')
  private val device = ToldDevice(
    settings.config.appId,
    settings.config.deviceId,
    ports.host.platform,
    settings.config.channel,
  )
  private val ofHost = toldAttributes(ports.host)

  // A server that asked for patience is not asked again before; forgotten with the process, as a start is rare.
  @Volatile private var notBefore = Long.MIN_VALUE

  private val credential = DeviceCredential(ports.files, device.deviceId, settings.config.deviceCredential) {
    send("/devices", jsonOf(*fieldsOf(device), *fieldsOf(binaryOf(ports.host)), "credential" to true), null)
  }

  /** Tries again only where that can help, and never against the server's wish. */
  fun check(request: CheckRequest): CheckAnswer {
    val told = ToldCheck(device, request, settings.config.cohorts, binaryOf(ports.host), attributes())
    val body = contract.writeCheck(told)
    var attempt = 0
    while (true) {
      try {
        return checkOnce(body)
      } catch (error: UpdateError) {
        val mayHelp = error.code == SdkCode.CHECK_FAILED && !isFinalStatus(error.status ?: 0)
        if (!mayHelp || notBefore > clock.elapsed() || attempt + 1 >= limits.attempts) throw error
        clock.sleep(backOff(clock, attempt, limits))
      }
      attempt += 1
    }
  }

  /** Tells reports of one app binary, at most as many as one request may have. Never throws. */
  fun deliver(reports: List<Report>, trust: ToldTrust): Delivery = try {
    deliverBatch(reports, trust)
  } catch (_: Exception) {
    // No network, or not before a certain time.
    Delivery.Later
  }

  private fun deliverBatch(reports: List<Report>, trust: ToldTrust): Delivery {
    val body = jsonOf(
      *fieldsOf(device),
      "sentAt" to isoTime(clock.now()),
      *fieldsOf(reports.firstOrNull()?.binary ?: binaryOf(ports.host)),
      *attributes().toList().toTypedArray(),
      *fieldsOf(trust),
      "events" to reports.map(::eventOf),
    )
    return readDelivery(post("/events", body), reports)
  }

  private fun attributes(): Map<String, String> {
    val keyIds = decryptionKeyIds()
    return if (keyIds.isEmpty()) ofHost else ofHost + ("decryptionKeyId" to keyIds.joinToString(","))
  }

  private fun checkOnce(body: JsonObject): CheckAnswer {
    val answer = try {
      post(contract.checkPath, body)
    } catch (error: UpdateError) {
      throw error
    } catch (cause: AnswerTooLongException) {
      throw UpdateError(SdkCode.ANSWER_INVALID, messageOf(cause), cause)
    } catch (cause: Exception) {
      throw UpdateError(SdkCode.CHECK_FAILED, "the server was not reached: ${messageOf(cause)}", cause)
    }
    val json = jsonFromUtf8(answer.body)
    if (answer.status != 200) {
      throw UpdateError(SdkCode.CHECK_FAILED, describeProblem(answer.status, json), status = answer.status)
    }
    if (json == null) throw UpdateError(SdkCode.ANSWER_INVALID, "the answer to the check is not JSON")
    return readAnswer(json)
  }

  /** @throws UpdateError 'answer-invalid' with the place of the first thing that is not as it must be */
  private fun readAnswer(json: JsonValue): CheckAnswer = try {
    contract.readAnswer(json)
  } catch (cause: UnexpectedJsonException) {
    throw UpdateError(SdkCode.ANSWER_INVALID, "the answer to the check: ${messageOf(cause)}", cause)
  }

  private fun post(path: String, body: JsonObject): SmallAnswer = send(path, body, credential.token())

  private fun send(path: String, body: JsonObject, token: String?): SmallAnswer {
    val url = server + path
    if (!isAllowedAddress(url, settings.allowInsecure)) {
      throw UpdateError(SdkCode.INSECURE_URL, "the server's address is not https: $server")
    }
    if (notBefore > clock.elapsed()) {
      val wait = notBefore - clock.elapsed()
      throw UpdateError(SdkCode.CHECK_FAILED, "the server asked to wait", retryAfterMs = wait)
    }
    val request = HttpRequest(HttpMethod.POST, url, headers(token), writeJson(body))
    val answer = exchangeSmall(ports.http, clock, request, limits.answerBytes, limits.requestTimeoutMs)
    if (answer.status == 429 || answer.status == 503) {
      notBefore = clock.elapsed() + (retryAfter(answer.headers, clock.now(), limits.retryAfterMaxMs) ?: 0)
    }
    return answer
  }

  private fun headers(token: String?): Map<String, String> {
    val headers = LinkedHashMap<String, String>()
    if (settings.config.appKey.isNotEmpty()) headers["x-app-key"] = settings.config.appKey
    headers["content-type"] = "application/json"
    headers["accept"] = "application/json"
    if (token != null) headers["x-device-token"] = token
    return headers
  }
}
