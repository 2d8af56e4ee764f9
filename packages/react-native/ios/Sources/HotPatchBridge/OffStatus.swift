#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

/// Where updates are off, as the app is not set up for them: what the binary shipped with runs, and JavaScript hears why.
public func offStatus(_ problem: String, nativeVersion: String) -> String {
  statusText(
    nil,
    StatusFacts(
      host: HostPort(nativeVersion: nativeVersion, platform: "ios"), channel: defaultChannel, deviceId: "",
      isConfigured: false, problem: UpdateError(.installFailed, problem)))
}
