import Foundation
import React
import UIKit

/// What an app's delegate asks for the bundle.
///
///     override func bundleURL() -> URL? {
///       HotPatch.bundleURL() ?? Bundle.main.url(forResource: "main", withExtension: "jsbundle")
///     }
@objc(HotPatch)
public final class HotPatch: NSObject {
  /// Where what is right for this start lies, or nil for what the binary shipped with. The first call in a process makes
  /// the choice, before React is there, and counts it; others give the same, until a restart.
  @objc public static func bundleURL() -> URL? {
    begun.updates?.bundle.map { URL(fileURLWithPath: $0) }
  }

  static var updates: Updates? { begun.updates }
  /// Why updates are off, where they are.
  static var problem: String? { begun.problem }

  static var nativeVersion: String {
    Bundle.main.object(forInfoDictionaryKey: "CFBundleShortVersionString") as? String ?? "0"
  }

  private static let begun: (updates: Updates?, problem: String?) = begin()

  private static func begin() -> (Updates?, String?) {
    do {
      let dictionary = Bundle.main.object(forInfoDictionaryKey: "HotPatch") as? [String: Any] ?? [:]
      let native = try readNativeConfiguration(dictionary)
      let files = SystemFiles(try privateFolder().path)
      let crypto = SystemCrypto()
      let ports = Ports(
        files: files, http: UrlSessionHttp(pins: native.pins), crypto: crypto, clock: SystemClock(),
        host: hostOf(native), unpacking: SystemUnpacking(),
        embeddedFiles: FolderFiles(Bundle.main.bundlePath, roots: [bundleName, "assets"]), encryption: crypto)
      let isInBackground = UIApplication.shared.applicationState == .background
      let updates = Updates(ports, native, DeviceMemory(files, crypto), inBackground: isInBackground)
      noteCrashes()
      return (updates, nil)
    } catch {
      // An app that starts is worth more than one that updates.
      NSLog("HotPatch: %@ Updates are off, and what the binary shipped with runs.", String(describing: error))
      return (nil, String(describing: error))
    }
  }

  /// No backup brings it to another phone, whose binary is another one.
  private static func privateFolder() throws -> URL {
    let support = try FileManager.default.url(
      for: .applicationSupportDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
    var folder = support.appendingPathComponent("hotpatch", isDirectory: true)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var values = URLResourceValues()
    values.isExcludedFromBackup = true
    try folder.setResourceValues(values)
    return folder
  }

  private static func hostOf(_ native: NativeConfiguration) -> HostPort {
    var host = HostPort(
      nativeVersion: nativeVersion, nativeBuild: Bundle.main.object(forInfoDictionaryKey: "CFBundleVersion") as? String,
      runtimeVersion: native.runtimeVersion, platform: "ios")
    host.builtAt = native.builtAt
    host.osVersion = UIDevice.current.systemVersion
    host.model = UIDevice.current.model
    // As the other SDKs say it: de-AT.
    host.locale = Locale.current.identifier.replacingOccurrences(of: "_", with: "-")
    host.sdkVersion = sdkVersion
    #if targetEnvironment(simulator)
      host.isEmulator = true
    #else
      host.isEmulator = false
    #endif
    #if arch(arm64)
      host.architecture = "arm64"
    #else
      host.architecture = "x64"
    #endif
    host.restart = {
      // Of the session that asks: a second restart would count as a start that nobody confirmed.
      let calls = begun.updates?.calls()
      // Its engine is under way, and has to end first.
      restarts.async { _ = calls.map { reload($0.restart) } }
    }
    return host
  }

  /// A restart waits for a download that is under way, and nothing else waits for a restart.
  static let restarts = DispatchQueue(label: "dev.hotpatch.restart")

  /// - Parameter restart: chooses anew what runs, and then has JavaScript loaded again
  static func reload(_ restart: (() -> Bool) -> Bool) -> Bool {
    restart {
      DispatchQueue.main.async {
        RCTReloadCommandSetBundleURL(bundleURL())
        RCTTriggerReloadCommandListeners("HotPatch: another bundle was chosen")
      }
      return true
    }
  }

  /// Whoever was there before goes on: it is the system that ends the process, and crash reporters that tell of it.
  private static func noteCrashes() {
    handlerBefore = NSGetUncaughtExceptionHandler()
    NSSetUncaughtExceptionHandler { exception in
      _ = HotPatch.updates?.crashed()
      handlerBefore?(exception)
    }
    // Without one React Native throws, which comes to the above; with one it does not.
    let fatalBefore: RCTFatalHandler? = RCTGetFatalHandler()
    guard let fatalBefore else { return }
    RCTSetFatalHandler { error in
      _ = HotPatch.updates?.crashed()
      fatalBefore(error)
    }
  }
}

/// A C function can hold on to nothing: it is found here.
private var handlerBefore: (@convention(c) (NSException) -> Void)?
