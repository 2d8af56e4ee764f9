/// What an engine tells those who subscribe to it.
public enum EngineEvent {
  case state(UpdateState, releaseId: String?)
  case progress(receivedBytes: Int, sizeBytes: Int, releaseId: String)
  case failed(UpdateError, releaseId: String?)
  /// What an edge said was not believed, or it was not reached: the server is asked.
  case edgeRefused(UpdateError)
  /// A release is whole on this device; `sizeBytes` is what its own bytes are, however it came.
  case downloaded(DownloadArrival, receivedBytes: Int, sizeBytes: Int, releaseId: String)
  /// A patch is not taken: the whole bundle is. `reason` is the patch's own code (Patches §7), or an SDK code.
  case patchFailed(reason: String, error: Error, releaseId: String)
  /// The server will never take it: it is not told again.
  case reportDropped(Report, reason: String)
}
