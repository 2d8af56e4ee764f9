import type { AppChanges, DeviceCohorts, DeviceCredentials, TrustDifferences } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readNetworkPercent, readObservedMinutes } from '../arguments/trust-readers.ts'
import { withGroup } from '../arguments/shared-options.ts'

/** Options about whom guards and plans believe. */
export interface TrustOptions {
  trustMinutes?: number
  trustNetwork?: number
  deviceCohorts?: DeviceCohorts
  deviceCredentials?: DeviceCredentials
}

export function withTrust(command: Command): Command {
  return withGroup(command, 'Whom it believes:', (grouped) =>
    grouped
      .option(
        '--trust-minutes <minutes>',
        'a new device counts when it checks again so much later',
        readObservedMinutes,
      )
      .option(
        '--trust-network <percent>',
        'what one network may make up of a sample; 100: all of it',
        readNetworkPercent,
      )
      .addOption(
        new Option('--device-cohorts <how>', 'whether a device is in the cohorts that it claims').choices([
          'allowed',
          'ignored',
        ]),
      )
      .addOption(
        new Option('--device-credentials <how>', 'whether installations get a secret to prove themselves').choices([
          'off',
          'optional',
          'required',
        ]),
      ),
  )
}

export function readTrust({
  trustMinutes: observedMinutes,
  trustNetwork: networkPercent,
  deviceCohorts,
  deviceCredentials,
}: TrustOptions): Pick<AppChanges, 'trust' | 'deviceCohorts' | 'deviceCredentials'> {
  const trust: TrustDifferences = given({ observedMinutes, networkPercent })
  return { ...(Object.keys(trust).length > 0 && { trust }), ...given({ deviceCohorts, deviceCredentials }) }
}
