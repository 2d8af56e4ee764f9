package dev.hotpatch.engine.engine

import dev.hotpatch.engine.decrypt.Decrypter
import dev.hotpatch.engine.edge.UpdateSource
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.install.Installer
import dev.hotpatch.engine.patch.Patcher
import dev.hotpatch.engine.server.Outbox
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.StateStore
import dev.hotpatch.engine.state.ToldTrust
import dev.hotpatch.protocol.DecryptionKey

/** What an update is made with: everything that lives as long as the process, or the configuration. */
class FlowContext(
  val ports: Ports,
  val settings: Settings,
  val installer: Installer,
  val patcher: Patcher,
  val decrypter: Decrypter,
  /** That it opens by. */
  val decryptionKeys: () -> List<DecryptionKey>,
  val store: StateStore,
  val source: UpdateSource,
  val outbox: Outbox,
  val tellTrust: () -> ToldTrust,
  val builtAt: Long?,
  /** What this process runs; null is embedded. */
  val running: InstalledRelease?,
  val emit: (EngineEvent) -> Unit,
) {
  val limits get() = settings.limits

  /** How far it is. */
  val way = UpdateWay(emit)

  /** What went wrong before. */
  val failures = FailureMemory(store, outbox, running)
}
