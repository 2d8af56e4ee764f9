package dev.hotpatch.engine.engine

import dev.hotpatch.engine.archive.archiveInstaller
import dev.hotpatch.engine.decrypt.fileDecrypter
import dev.hotpatch.engine.edge.staticEdge
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.patch.TreePatcher
import dev.hotpatch.engine.server.ReactNativeContract

/**
 * The device engine for the React Native contract, whose updates are archives, as they are or encrypted, and patches of
 * them; from a server, from an edge, or from both.
 */
fun createEngine(ports: Ports, limits: Limits = Limits()): Engine =
  Engine(ports, limits, EngineParts(ReactNativeContract, archiveInstaller, TreePatcher, fileDecrypter, ::staticEdge))
