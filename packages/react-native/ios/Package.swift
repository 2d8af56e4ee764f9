// swift-tools-version:5.9
import PackageDescription

#if os(Linux)
  /// What stands for CryptoKit and Compression where the tests run.
  let libraries: [Target] = [
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CBrotli", pkgConfig: "libbrotlidec", providers: [.apt(["libbrotli-dev"])]),
  ]
#else
  let libraries: [Target] = []
#endif

let package = Package(
  name: "HotPatch",
  platforms: [.iOS("15.1"), .macOS(.v12)],
  products: [
    .library(name: "HotPatchEngine", targets: ["HotPatchEngine"]),
    .library(name: "HotPatchPorts", targets: ["HotPatchPorts"]),
    .library(name: "HotPatchBridge", targets: ["HotPatchBridge"]),
  ],
  targets: libraries + [
    // What a device does, whatever it runs on: nothing but Foundation.
    .target(name: "HotPatchEngine"),
    // Files, network, cryptography and decompression of the machine.
    .target(
      name: "HotPatchPorts",
      dependencies: ["HotPatchEngine"] + libraries.map { .target(name: $0.name) },
      linkerSettings: [.linkedLibrary("z")]
    ),
    // What the native module of React Native hands on, without React.
    .target(name: "HotPatchBridge", dependencies: ["HotPatchEngine", "HotPatchPorts"]),
    .testTarget(name: "HotPatchEngineTests", dependencies: ["HotPatchEngine", "HotPatchPorts"]),
    .testTarget(name: "HotPatchPortsTests", dependencies: ["HotPatchEngine", "HotPatchPorts"]),
    .testTarget(name: "HotPatchBridgeTests", dependencies: ["HotPatchBridge", "HotPatchEngine", "HotPatchPorts"]),
  ],
  swiftLanguageVersions: [.v5]
)
