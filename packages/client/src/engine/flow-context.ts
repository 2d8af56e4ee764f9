import type { DecryptionKey } from '@hotpatch/protocol'
import type { Decrypter } from '../decrypt/decrypter.ts'
import type { UpdateSource } from '../edge/update-source.ts'
import type { EngineEvent } from '../ground/engine-event.ts'
import type { Ports } from '../ground/ports.ts'
import type { Settings } from '../ground/settings.ts'
import type { Installer } from '../install/installer.ts'
import type { Patcher } from '../patch/patcher.ts'
import type { createOutbox } from '../server/outbox.ts'
import type { StateStore } from '../state/state-store.ts'
import type { InstalledRelease } from '../state/stored-state.ts'
import type { TellTrust } from '../state/tell-trust.ts'

/** What an update is made with: everything that lives as long as the process. */
export interface UpdateFlowContext {
  ports: Ports
  settings: Settings
  installers: readonly Installer[]
  patcher: Patcher | undefined
  decrypter: Decrypter | undefined
  /** That it opens by. */
  decryptionKeys: () => Promise<readonly DecryptionKey[]>
  store: StateStore
  source: UpdateSource
  outbox: ReturnType<typeof createOutbox>
  tellTrust: TellTrust
  builtAt: number | null
  /** What this process runs; null is embedded. */
  running: InstalledRelease | null
  emit: (event: EngineEvent) => void
}
