/// Static edge §8: what this device gets, by files that nobody has to be trusted for but those who signed them.
/// Asked by one thread at a time.
final class EdgeSource {
  private struct Believed {
    let verified: VerifiedPointer
    let document: EdgeKeyDocument
    let memory: EdgeMemory

    var pointer: EdgePointer { verified.pointer }
  }

  private let ports: Ports
  private let settings: Settings
  private let baseUrl: String
  private let files: EdgeFiles
  // Of this process: what is named by its digest stays what it is.
  private var lastCatalog: (sha256: String, catalog: CompiledEdgeCatalog)?

  init(_ ports: Ports, _ settings: Settings, _ url: String) {
    self.ports = ports
    self.settings = settings
    baseUrl = withoutSlashes(url)
    files = EdgeFiles(ports: ports, settings: settings, baseUrl: baseUrl)
  }

  private var appId: String { settings.config.appId }
  private var channel: String { settings.config.channel }
  private var platform: String { ports.host.platform }
  private var folder: String { "edge/v1/\(appId)" }

  /// Nil: only the server can say. Throws UpdateError.
  /// - Parameter running: the sequence of what runs, where a release does
  func check(_ told: ToldCheck, running: Int?) throws -> CheckAnswer? {
    let fetched = try files.fetchEnvelope("\(folder)/\(platform)/\(encodePathSegment(channel))/latest.json")
    let believed = try believe(fetched)
    let pointer = believed.pointer
    try expectOurs(pointer.appId, pointer.platform, pointer.channel)
    try expectFresh(believed, toldAt: fetched.toldAt)
    try remember(believed)
    let catalog = try findCatalog(pointer)
    let device = deviceOf(told, deviceId: settings.config.deviceId, ports.host)
    let decision = decideAtEdge(catalog, device, now: ports.clock.now(), running: running)
    return try decision.map { try answerOf($0, catalog, baseUrl: baseUrl) }
  }

  /// A pointer by a key that is not known, or that names newer keys, has them fetched, once.
  private func believe(_ fetched: FetchedEnvelope) throws -> Believed {
    let before = try readEdgeMemory(ports.files)
    if let known = storedKeys(before), let first = try verifyPointer(ports.crypto, fetched.envelope, known),
      first.pointer.keysVersion <= known.version
    {
      return Believed(verified: first, document: known, memory: before)
    }
    let (document, memory) = try fetchKeys(before)
    if document.keys.isEmpty { throw UpdateError(.checkFailed, "this app has no edge any more") }
    guard let verified = try verifyPointer(ports.crypto, fetched.envelope, document) else {
      throw UpdateError(.signatureInvalid, "no key of the edge signed what it says")
    }
    return Believed(verified: verified, document: document, memory: memory)
  }

  /// The binary may hold other keys by now: what was verified once is verified again. Nil: then it is fetched.
  private func storedKeys(_ memory: EdgeMemory) -> EdgeKeyDocument? {
    let document = try? memory.keys.map {
      try verifyKeyDocument(ports.crypto, $0, publicKeys: settings.publicKeys, appId: appId)
    }
    return document?.version == memory.keysVersion ? document : nil
  }

  private func fetchKeys(_ memory: EdgeMemory) throws -> (EdgeKeyDocument, EdgeMemory) {
    let envelope = try files.fetchEnvelope("\(folder)/keys.json").envelope
    let document = try verifyKeyDocument(ports.crypto, envelope, publicKeys: settings.publicKeys, appId: appId)
    if document.version < memory.keysVersion {
      throw older("its keys are of version \(document.version), and \(memory.keysVersion) was seen before")
    }
    var next = memory
    next.keys = envelope
    next.keysVersion = document.version
    try writeEdgeMemory(ports.files, next)
    return (document, next)
  }

  private func expectOurs(_ itsApp: String, _ itsPlatform: Platform, _ itsChannel: String) throws {
    if !isSameText(itsApp, appId) { throw UpdateError(.wrongApp, "the edge speaks of the app \(itsApp)") }
    if !isSameText(itsPlatform.rawValue, platform) {
      throw UpdateError(.wrongPlatform, "the edge speaks of \(itsPlatform.rawValue), this is \(platform)")
    }
    if isSameText(itsChannel, channel) { return }
    throw UpdateError(.answerInvalid, "the edge speaks of the channel \(itsChannel), not of \(channel)")
  }

  /// Static edge §9. What was heard before was said before: the time is not earlier than that, whatever the clock says. Not
  /// of an earlier document: whoever has stolen a key may have said of the time what he liked.
  private func expectFresh(_ believed: Believed, toldAt: Int?) throws {
    let (pointer, document) = (believed.pointer, believed.document)
    let known = believed.memory.markOf(platform, channel)
    let mark = known?.keysVersion == document.version ? known : nil
    let now = max(ports.clock.now(), document.createdAt, mark?.issuedAt ?? 0, toldAt ?? 0)
    let end = min(pointer.expiresAt, believed.verified.notAfter)
    if end <= now { throw UpdateError(.catalogExpired, "what the edge says was good until \(timestamp(end))") }
    guard let mark, pointer.generation < mark.generation else { return }
    throw older("generation \(pointer.generation), and \(mark.generation) was seen before")
  }

  private func older(_ what: String) -> UpdateError {
    UpdateError(.catalogTooOld, "the edge is older than what was heard of it: \(what)")
  }

  private func remember(_ believed: Believed) throws {
    let pointer = believed.pointer
    let keysVersion = believed.document.version
    var memory = believed.memory
    if let known = memory.markOf(platform, channel), known.keysVersion == keysVersion,
      known.generation == pointer.generation
    {
      return
    }
    memory.note(
      EdgeMark(
        platform: platform, channel: channel, keysVersion: keysVersion, generation: pointer.generation,
        issuedAt: pointer.issuedAt))
    try writeEdgeMemory(ports.files, memory)
  }

  private func findCatalog(_ pointer: EdgePointer) throws -> CompiledEdgeCatalog {
    if let known = lastCatalog, isSameText(known.sha256, pointer.sha256) { return known.catalog }
    if pointer.sizeBytes > maxEdgeCatalogBytes {
      throw UpdateError(.answerInvalid, "the catalog of the edge has \(pointer.sizeBytes) bytes, which is too many")
    }
    let bytes = try files.fetchBytes("\(folder)/catalogs/\(pointer.sha256).json", maxBytes: pointer.sizeBytes)
    let hasher = ports.crypto.sha256()
    hasher.update(bytes)
    if !isSameText(hexFromBytes(hasher.digest()), pointer.sha256) {
      throw UpdateError(.hashMismatch, "the catalog of the edge has other bytes than were signed")
    }
    let text = try textOf(bytes, "the catalog")
    let read = try readOrRefuse("the catalog") { try readEdgeCatalog(text) }
    try expectOurs(read.appId, read.platform, read.channel)
    let catalog = CompiledEdgeCatalog(read)
    lastCatalog = (pointer.sha256, catalog)
    return catalog
  }
}
