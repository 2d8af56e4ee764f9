import Foundation

/// What became of reports that were sent.
enum Delivery {
  case settled(dropped: [(eventId: String, reason: String)])
  /// They wait: no network, no room, or not before a certain time.
  case later
  /// The server refuses the request as a whole: one of the reports may be the reason.
  case refused(reason: String)
}

/// The server, as the device sees it.
final class ServerApi {
  private let http: HttpPort
  private let clock: ClockPort
  private let host: HostPort
  private let settings: Settings
  private let credential: DeviceCredential
  private let decryptionKeyIds: () -> [String]
  private let lock = NSRecursiveLock()
  // A server that asked for patience is not asked again before; forgotten with the process, as a start is rare.
  private var notBefore = -Double.infinity

  init(_ ports: Ports, _ settings: Settings, decryptionKeyIds: @escaping () -> [String]) {
    http = ports.http
    clock = ports.clock
    host = ports.host
    self.settings = settings
    self.decryptionKeyIds = decryptionKeyIds
    credential = DeviceCredential(ports.files, settings)
  }

  /// Tries again only where that can help, and never against the server's wish.
  func check(_ told: ToldCheck) throws -> CheckAnswer {
    let body = ReactNativeContract.writeCheck(
      told, device: device, binary: toldBinary(binaryOf(host)), attributes: attributes,
      cohorts: settings.config.cohorts)
    var attempt = 0
    while true {
      do {
        return try checkOnce(body)
      } catch let error as UpdateError {
        let mayHelp = error.code == .checkFailed && !isFinalStatus(error.status ?? 0)
        if !mayHelp || patience > 0 || attempt + 1 >= settings.limits.attempts { throw error }
        clock.sleep(ms: backOff(clock, attempt, settings.limits))
        attempt += 1
      }
    }
  }

  /// Tells reports of one app binary, at most as many as one request may have.
  func deliver(_ reports: [Report], _ trust: ToldTrust) -> Delivery {
    do {
      let binary = reports.first.map { binaryOf($0) } ?? binaryOf(host)
      let sentAt: [(String, JsonValue?)] = [("sentAt", .string(timestamp(clock.now())))]
      let events: [(String, JsonValue?)] = [("events", .array(reports.map(eventOf)))]
      let body = jsonObject(device + sentAt + toldBinary(binary) + attributes + trust.members + events)
      let answer = try post("/events", body)
      return readDelivery(answer) ?? .settled(dropped: readRejected(answer.body))
    } catch {
      // No network, or not before a certain time.
      return .later
    }
  }

  private var device: [(String, JsonValue?)] {
    let config = settings.config
    return [
      ("appId", .string(config.appId)), ("deviceId", .string(config.deviceId)), ("platform", .string(host.platform)),
      ("channel", .string(config.channel)),
    ]
  }

  private var attributes: [(String, JsonValue?)] {
    let keyIds = decryptionKeyIds()
    return toldAttributes(host)
      + [("decryptionKeyId", keyIds.isEmpty ? nil : .string(keyIds.joined(separator: ",")))]
  }

  private func checkOnce(_ body: JsonValue) throws -> CheckAnswer {
    let answer = try reach { try post(ReactNativeContract.checkPath, body) }
    let json = jsonFromUtf8(answer.body)
    let status = answer.status
    if status != 200 { throw UpdateError(.checkFailed, describeProblem(status, json), status: status) }
    guard let json else { throw UpdateError(.answerInvalid, "the answer to the check is not JSON") }
    do {
      return try ReactNativeContract.readAnswer(json)
    } catch let cause as UnexpectedJsonError {
      throw UpdateError(.answerInvalid, "the answer to the check: \(cause)", cause: cause)
    }
  }

  private func reach(_ ask: () throws -> SmallAnswer) throws -> SmallAnswer {
    do {
      return try ask()
    } catch let error as UpdateError {
      throw error
    } catch let cause as AnswerTooLongError {
      throw UpdateError(.answerInvalid, cause.description, cause: cause)
    } catch {
      throw UpdateError(.checkFailed, "the server was not reached: \(messageOf(error))", cause: error)
    }
  }

  private func post(_ path: String, _ body: JsonValue) throws -> SmallAnswer {
    lock.lock()
    let token = credential.token {
      let asked: [(String, JsonValue?)] = [("credential", .boolean(true))]
      return try send("/devices", jsonObject(device + toldBinary(binaryOf(host)) + asked), token: nil)
    }
    lock.unlock()
    return try send(path, body, token: token)
  }

  private func send(_ path: String, _ body: JsonValue, token: String?) throws -> SmallAnswer {
    let server = withoutSlashes(settings.config.serverUrl)
    if !isAllowedAddress(server + path, settings.config.allowInsecure) {
      throw UpdateError(.insecureUrl, "the server's address is not https: \(server)")
    }
    let wait = patience
    if wait > 0 { throw UpdateError(.checkFailed, "the server asked to wait", retryAfterMs: wait) }
    var headers = ["content-type": "application/json", "accept": "application/json"]
    if !settings.config.appKey.isEmpty { headers["x-app-key"] = settings.config.appKey }
    if let token { headers["x-device-token"] = token }
    let request = HttpRequest(method: .post, url: server + path, headers: headers, body: writeJson(body))
    let limits = settings.limits
    let answer = try exchangeSmall(
      http: http, clock: clock, request, maxBytes: limits.answerBytes, timeoutMs: limits.requestTimeoutMs)
    if answer.status == 429 || answer.status == 503 {
      let wait = retryAfter(answer.headers, now: clock.now(), maxMs: limits.retryAfterMaxMs) ?? 0
      lock.lock()
      notBefore = clock.elapsed() + wait
      lock.unlock()
    }
    return answer
  }

  /// How long the server is not to be asked.
  private var patience: Double {
    lock.lock()
    defer { lock.unlock() }
    return notBefore - clock.elapsed()
  }
}

private func toldBinary(_ binary: Binary) -> [(String, JsonValue?)] {
  [
    ("nativeVersion", .string(binary.nativeVersion)), ("nativeBuild", jsonText(binary.nativeBuild)),
    ("runtimeVersion", jsonText(binary.runtimeVersion)),
  ]
}

/// Of the host alone. The build goes with the binary that a report is about.
func toldAttributes(_ host: HostPort) -> [(String, JsonValue?)] {
  [
    ("osVersion", jsonText(host.osVersion)), ("model", jsonText(host.model)), ("locale", jsonText(host.locale)),
    ("architecture", jsonText(host.architecture)), ("sdkVersion", jsonText(host.sdkVersion)),
    ("isEmulator", jsonText(host.isEmulator.map { String($0) })),
    ("isProduction", jsonText(host.isProduction.map { String($0) })),
    ("installSource", jsonText(host.installSource)),
  ]
}

private func describeProblem(_ status: Int, _ json: JsonValue?) -> String {
  guard case .object(let object)? = json, let detail = object["detail"] else { return "the server answered \(status)" }
  return "the server answered \(status): \(plainText(detail))"
}

private func plainText(_ value: JsonValue?) -> String {
  if case .string(let text)? = value { return text }
  return value.map(writeJson) ?? "undefined"
}

/// Nil when the server took it.
private func readDelivery(_ answer: SmallAnswer) -> Delivery? {
  let status = answer.status
  if status >= 200 && status < 300 { return nil }
  // The key may be mended on the server.
  if !isFinalStatus(status) || status == 401 { return .later }
  return .refused(reason: describeProblem(status, jsonFromUtf8(answer.body)))
}

private func eventOf(_ report: Report) -> JsonValue {
  // A failure without a release is not one of the release that runs.
  let isNamed = report.releaseId != nil || isSameText(report.version, embeddedVersion)
  return jsonObject([
    ("id", .string(report.eventId)),
    ("kind", .string(report.kind.rawValue)),
    ("releaseId", jsonText(report.releaseId)),
    ("version", isNamed ? .string(report.version) : nil),
    ("code", jsonText(report.code?.rawValue)),
    ("detail", jsonText(report.detail)),
    ("receivedBytes", jsonNumber(report.receivedBytes)),
    ("arrival", jsonText(report.arrival?.rawValue)),
    ("occurredAt", .string(report.occurredAt)),
  ])
}

/// An answer that says nothing readable about single reports accepted them all.
private func readRejected(_ body: [UInt8]) -> [(eventId: String, reason: String)] {
  guard case .object(let json)? = jsonFromUtf8(body), case .array(let rejected)? = json["rejected"] else { return [] }
  return rejected.compactMap { entry in
    guard case .object(let found) = entry, case .string(let id)? = found["id"] else { return nil }
    return (id, "\(plainText(found["type"])): \(plainText(found["detail"]))")
  }
}
