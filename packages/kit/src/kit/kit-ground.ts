import type { InstalledKit } from '@hotpatch/protocol'
import { joinAddress } from '@hotpatch/device-ground'
import { chooseChannel } from '../checking/channel.ts'
import { KitError } from '../ground/kit-error.ts'
import { readInstalledRelease } from '../installation/installed-release.ts'
import type { Installation } from '../installation/installation.ts'
import { loadInstallation } from '../installation/read-installation.ts'
import { installIdOn } from '../keeping/install-id.ts'
import { createKitLog, type KitLog } from '../keeping/kit-log.ts'
import { COORDINATOR_VARIABLE } from '../launcher/launcher.ts'
import type { ArtifactSource } from '../offers/kit-offer.ts'
import { createOutbox, type Outbox } from '../reporting/outbox.ts'
import { createStaging, type Staging } from '../staging/stage.ts'
import { nodePorts, type KitPorts } from './kit-parts.ts'
import type { KitOptions } from './kit.ts'

/** What everything in this folder stands on: one installation, as it was when it was opened. */
export interface KitGround {
  installation: Installation
  channel: string
  installerVersion: string
  /** Which coordinator this is, by the launcher's word; undefined: nobody launched it. */
  launchedAs: string | undefined
  ports: KitPorts
  log: KitLog
  staging: Staging
  /** Of the server; a bundle has its own. */
  serverArtifacts: ArtifactSource
  readInstalled(): Promise<InstalledKit | undefined>
  outbox(): Promise<Outbox>
}

/** @throws InstallationError */
export async function openGround(options: KitOptions): Promise<KitGround> {
  const { root, environment, installerVersion, process } = options
  const ports: KitPorts = { ...nodePorts({ root, environment, process }), ...options.ports }
  const { disk, clock, crypto, http, machine, allowInsecure, openFolder } = ports
  const installation = await loadInstallation(disk)
  const { source, releaseFile, channelVariable: variable, channel: profile } = installation
  const channel = options.channel ?? chooseChannel({ environment, variable, profile })
  return {
    installation,
    channel,
    installerVersion,
    launchedAs: environment[COORDINATOR_VARIABLE],
    ports,
    log: createKitLog({ disk, clock }),
    staging: createStaging({ disk, http, clock, crypto, allowInsecure, openFolder }),
    serverArtifacts: { kind: 'http', url: (sha256) => artifactUrl(source?.url, sha256) },
    readInstalled: () => readInstalledRelease(disk, releaseFile),
    async outbox() {
      const installId = await installIdOn(disk, crypto)
      const { platform, architecture } = machine
      const reporter = { source, installId, installerVersion, platform, architecture, channel }
      return createOutbox({ disk, http, clock, crypto, allowInsecure }, reporter)
    },
  }
}

function artifactUrl(url: string | undefined, sha256: string): string {
  const address = url === undefined ? undefined : joinAddress(url, `/artifacts/${sha256}`)
  if (address !== undefined) return address
  throw new KitError('download-failed', 'kit.json names no server ("source") from which its bytes could come')
}
