require "json"

package = JSON.parse(File.read(File.join(__dir__, "package.json")))

Pod::Spec.new do |s|
  s.name = "HotPatch"
  s.version = package["version"]
  s.summary = package["description"]
  s.homepage = package["homepage"] || "https://example.com"
  s.license = package["license"]
  s.author = "HotPatch"
  s.source = { :git => package.dig("repository", "url").to_s, :tag => s.version.to_s }

  s.platforms = { :ios => "15.1" }
  s.swift_version = "5.9"
  s.source_files = "ios/Sources/HotPatch*/**/*.swift", "ios/ReactNative/**/*.{h,m,mm,swift}"
  s.frameworks = "CryptoKit", "Compression"
  s.libraries = "z"
  # A module that AppDelegate.swift can import.
  s.pod_target_xcconfig = { "DEFINES_MODULE" => "YES" }

  # React Native's own, for both architectures.
  install_modules_dependencies(s)
end
