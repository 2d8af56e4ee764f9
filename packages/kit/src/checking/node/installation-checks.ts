import type { Installation } from '../../installation/installation.ts'
import { chooseChannel } from '../channel.ts'
import type { KitChecksOptions } from '../check-settings.ts'
import { createKitChecks, type KitChecks } from '../kit-checks.ts'
import { nodeCheckPorts } from './node-check-ports.ts'

/** What an application is asked besides what the installation says. */
export interface InstallationChecksOptions extends Pick<
  KitChecksOptions,
  'application' | 'bundled' | 'installId' | 'installerVersion' | 'isEnabled'
> {
  root: string
  /** As `kit.json` has it: `readInstallation`. */
  installation: Pick<Installation, 'source' | 'publicKeys' | 'channel' | 'channelVariable' | 'releaseFile'>
  environment?: Readonly<Record<string, string | undefined>>
  /** Such as one that is told what the log is to have. */
  ports?: Partial<KitChecksOptions['ports']>
}

/** The checks of a process that is part of an installed kit, by what the kit's own `kit.json` says. */
export function createInstallationChecks(options: InstallationChecksOptions): KitChecks {
  const { root, installation, environment, ports, ...rest } = options
  const { source, publicKeys, channel, channelVariable: variable, releaseFile } = installation
  return createKitChecks({
    ...rest,
    // Servers at home have no certificate for this machine itself.
    source: source && { ...source, allowInsecure: 'loopback' },
    publicKeys,
    channel: chooseChannel({ variable, profile: channel, ...(environment && { environment }) }),
    ports: { ...nodeCheckPorts(root, { releaseFile }), ...ports },
  })
}
