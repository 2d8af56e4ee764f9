#!/bin/sh
# check-pod.sh: what Swift alone cannot build on Linux, as far as it can be looked at there. In the folder of the sources.
set -eu

# The pod is one module, in which two may not have the same name.
find Sources/HotPatchEngine Sources/HotPatchPorts Sources/HotPatchBridge -name '*.swift' -exec \
  swiftc -typecheck -module-name HotPatch -swift-version 5 -I Sources/CCrypto -I Sources/CZlib -I Sources/CBrotli {} +
# Of what stands on UIKit and React Native only the form can be checked.
swiftc -frontend -parse -swift-version 5 ReactNative/*.swift
echo 'The pod: its sources are one module, and the glue is Swift. Not compiled: ReactNative/, what needs CryptoKit, Compression and Security.'
