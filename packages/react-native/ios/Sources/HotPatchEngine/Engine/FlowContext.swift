/// What an update is made with: everything that lives as long as the process is configured like this.
struct FlowContext {
  let ports: Ports
  let settings: Settings
  /// By which encrypted releases are opened here.
  let decryptionKeys: () -> [DecryptionKey]
  let store: StateStore
  let source: UpdateSource
  let outbox: Outbox
  let trust: TrustTeller
  let builtAt: Int?
  /// What this process runs; nil is embedded.
  let running: InstalledRelease?
  let emit: (EngineEvent) -> Void
  let way: UpdateWay
  let failures: FailureMemory

  var files: FilesPort { ports.files }
}
