#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

// What crosses to JavaScript, as src/native/messages.ts has it. All fields are there, also those that are null.

/// What a status says besides the engine's.
struct StatusFacts {
  var host: HostPort
  var channel: String
  var deviceId: String
  var isConfigured: Bool
  var problem: UpdateError?
}

/// - Parameter status: nil where updates are off
func statusText(_ status: EngineStatus?, _ facts: StatusFacts) -> String {
  let host = facts.host
  var running = json([("releaseId", .null), ("version", .string(host.nativeVersion))])
  if case .release(let release) = status?.running {
    running = json([("releaseId", .string(release.releaseId)), ("version", .string(release.version))])
  }
  return writeJson(
    json([
      ("running", running),
      ("standing", text(status?.standing?.rawValue)),
      ("staged", name(status?.staged)),
      ("previous", name(status?.previous)),
      ("highWater", number(status?.highWater ?? 0)),
      ("floor", number(status?.floor ?? 0)),
      ("failedReleaseIds", .array((status?.failedReleaseIds ?? []).map { .string($0) })),
      ("channel", .string(facts.channel)),
      ("deviceId", .string(facts.deviceId)),
      ("nativeVersion", .string(host.nativeVersion)),
      ("nativeBuild", text(host.nativeBuild)),
      ("runtimeVersion", text(host.runtimeVersion)),
      ("isConfigured", .boolean(facts.isConfigured)),
      ("problem", facts.problem.map { json(failure($0)) } ?? .null),
    ]))
}

func outcomeText(_ outcome: UpdateOutcome) -> String {
  writeJson(json(fields(outcome)))
}

func eventText(_ event: EngineEvent) -> String {
  writeJson(json(fields(event)))
}

private typealias Fields = [(String, JsonValue)]

private func fields(_ outcome: UpdateOutcome) -> Fields {
  switch outcome {
  case .upToDate(let reason, let native):
    let update = native.map {
      json([("minNativeVersion", .string($0.minNativeVersion)), ("releaseId", .string($0.releaseId))])
    }
    return [("kind", .string("up-to-date")), ("reason", .string(reason)), ("nativeUpdate", update ?? .null)]
  case .available(let update):
    return [
      ("kind", .string("available")), ("releaseId", .string(update.releaseId)), ("version", .string(update.version)),
      ("mandatory", .boolean(update.mandatory)), ("sizeBytes", number(update.sizeBytes)),
      ("expectedBytes", update.expectedBytes.map(number) ?? .null), ("notes", text(update.notes)),
    ]
  case .availableEmbedded(let mandatory, let reason):
    return [("kind", .string("available-embedded")), ("mandatory", .boolean(mandatory)), ("reason", .string(reason))]
  case .staged(let releaseId, let version, let mandatory):
    return [
      ("kind", .string("staged")), ("releaseId", text(releaseId)), ("version", .string(version)),
      ("mandatory", .boolean(mandatory)),
    ]
  case .failed(let error, let releaseId):
    return [("kind", .string("failed")), ("releaseId", text(releaseId))] + failure(error)
  }
}

private func fields(_ event: EngineEvent) -> Fields {
  switch event {
  case .state(let state, let releaseId):
    return [("type", .string("state")), ("state", .string(state.rawValue)), ("releaseId", text(releaseId))]
  case .progress(let receivedBytes, let sizeBytes, let releaseId):
    return [
      ("type", .string("progress")), ("receivedBytes", number(receivedBytes)), ("sizeBytes", number(sizeBytes)),
      ("releaseId", .string(releaseId)),
    ]
  case .failed(let error, let releaseId):
    return [("type", .string("failed")), ("releaseId", text(releaseId))] + failure(error)
  case .edgeRefused(let error): return [("type", .string("edge-refused"))] + failure(error)
  case .downloaded(let arrival, let receivedBytes, let sizeBytes, let releaseId):
    return [
      ("type", .string("downloaded")), ("arrival", .string(arrival.rawValue)), ("receivedBytes", number(receivedBytes)),
      ("sizeBytes", number(sizeBytes)), ("releaseId", .string(releaseId)),
    ]
  case .patchFailed(let reason, let error, let releaseId):
    return [
      ("type", .string("patch-failed")), ("reason", .string(reason)),
      ("message", .string((error as? UpdateError)?.message ?? String(describing: error))),
      ("releaseId", .string(releaseId)),
    ]
  case .reportDropped(let report, let reason):
    return [("type", .string("report-dropped")), ("report", json(fields(report))), ("reason", .string(reason))]
  }
}

private func fields(_ report: Report) -> Fields {
  let code: Fields = report.code.map { [("code", .string($0.rawValue))] } ?? []
  return [
    ("eventId", .string(report.eventId)), ("kind", .string(report.kind.rawValue)), ("releaseId", text(report.releaseId)),
    ("version", .string(report.version)),
  ] + code
}

private func failure(_ error: UpdateError) -> Fields {
  [
    ("code", .string(error.code.rawValue)), ("message", .string(error.message)),
    ("isRetryable", .boolean(error.isRetryable)), ("status", error.status.map(number) ?? .null),
    ("retryAfterMs", error.retryAfterMs.map { .number($0) } ?? .null),
  ]
}

private func name(_ release: NamedRelease?) -> JsonValue {
  release.map { json([("releaseId", text($0.releaseId)), ("version", .string($0.version))]) } ?? .null
}

private func json(_ fields: [(String, JsonValue)]) -> JsonValue {
  .object(JsonObject(fields.map { ($0.0, Optional($0.1)) }))
}

private func text(_ text: String?) -> JsonValue {
  text.map { .string($0) } ?? .null
}

private func number(_ number: Int) -> JsonValue {
  .number(Double(number))
}
