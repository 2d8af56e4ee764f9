// swift-tools-version:5.9
import PackageDescription

// Of this folder's checkout alone: apps have the package that it depends on.
let package = Package(
  name: "MeasureLaunch",
  platforms: [.macOS(.v12)],
  dependencies: [.package(name: "HotPatch", path: "../../packages/react-native/ios")],
  targets: [
    .executableTarget(
      name: "MeasureLaunch",
      dependencies: [
        .product(name: "HotPatchEngine", package: "HotPatch"), .product(name: "HotPatchPorts", package: "HotPatch"),
      ])
  ],
  swiftLanguageVersions: [.v5]
)
