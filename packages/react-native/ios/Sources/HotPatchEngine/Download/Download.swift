/// Bytes that are known before they come.
struct Wanted {
  /// As messages call it.
  var name: String
  var url: String
  var sha256: String
  var sizeBytes: Int
}

/// Where they go, and what says which ones they are: without that nothing is gone on with.
struct Place {
  var bytes: String
  var note: String

  static let bundle = Place(bytes: StorageLayout.pendingZip, note: StorageLayout.pendingDownload)
  static let patch = Place(bytes: StorageLayout.pendingPatch, note: StorageLayout.pendingPatchDownload)
}

struct DownloadContext {
  var ports: Ports
  var limits: Limits
  var allowInsecure: AllowInsecure
  /// How much of it is there.
  var onProgress: (_ receivedBytes: Int) -> Void
  /// Something else will do: it is not asked for again when nothing of it came.
  var isOptional = false
}

struct Downloaded {
  var isResumed: Bool
  /// Over the network, in this call and in the attempts that it resumed.
  var receivedBytes: Int
}

/// Engine §5: fetches exactly the announced bytes into their place, going on where an earlier attempt, or an earlier
/// process, was interrupted. What a power cut takes of them is fetched again; nothing is said yet about what they are.
func download(_ wanted: Wanted, _ place: Place, _ context: DownloadContext) throws -> Downloaded {
  let (clock, limits) = (context.ports.clock, context.limits)
  let begun = try readPartial(wanted, place, context.ports.files).offset
  let attempt = DownloadAttempt(wanted, place, context, deadline: clock.elapsed() + limits.downloadTimeoutMs)
  attempt.receivedBytes = begun
  var count = 0
  while true {
    let before = attempt.receivedBytes
    do {
      try attempt.fetchRest()
      return Downloaded(isResumed: begun > 0, receivedBytes: attempt.receivedBytes)
    } catch let cause {
      let error = asUpdateError(cause)
      let wait = error.retryAfterMs ?? backOff(clock, count, limits)
      let hasNothing = context.isOptional && attempt.receivedBytes == before
      if hasNothing || !mayHelp(error) || count + 1 >= limits.attempts || clock.elapsed() + wait >= attempt.deadline {
        throw error
      }
      clock.sleep(ms: wait)
      count += 1
    }
  }
}

/// What is still to come of it.
func missingBytes(_ wanted: Wanted, _ place: Place, _ files: FilesPort) throws -> Int {
  wanted.sizeBytes - (try readPartial(wanted, place, files).offset)
}

func discardDownload(_ place: Place, _ files: FilesPort) throws {
  try files.remove(place.note)
  try files.remove(place.bytes)
}

/// Throws UpdateError 'hash-mismatch'; judged by what is on the disk, not by what passed by.
func verifyDownload(_ wanted: Wanted, _ place: Place, _ ports: Ports) throws {
  let found = try hashFile(ports.crypto, place.bytes, wanted.sizeBytes, ports.files.readRange)
  if !isSameText(found, wanted.sha256) {
    throw UpdateError(.hashMismatch, "\(wanted.name) has the hash \(found), announced was \(wanted.sha256)")
  }
}

/// Whether asking again within the same call can help.
private func mayHelp(_ error: UpdateError) -> Bool {
  switch error.code {
  case .downloadFailed, .downloadTruncated, .downloadTimeout: return !isFinalStatus(error.status ?? 0)
  default: return false
  }
}
