import type { App } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { sendStrangers } from '@hotpatch/simulator'
import { nodeFleetPorts, patientHttp } from '@hotpatch/simulator/node'
import { Option, type Command } from 'commander'
import { withGroup } from '../arguments/shared-options.ts'
import { readDeviceCount, readStrangerNetworks } from '../arguments/simulation-readers.ts'
import { readVersion } from '../arguments/readers.ts'
import { guardFields } from '../output/describe-guard.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatCount } from '../output/text.ts'
import { listRolloutsOf } from '../release/find-release.ts'
import type { Session } from '../session/session.ts'

/** Options about devices that somebody invents. */
export interface StrangerFlags {
  strangers?: number
  strangerNetworks: number
  strangerVersion?: string
  strangersSay?: string
  strangersCheck?: boolean
}

export function withStrangers(command: Command): Command {
  return withGroup(
    command,
    'Invented devices, as anybody with the app key can send them, instead of a fleet:',
    (grouped) =>
      grouped
        .option('--strangers <count>', 'how many', readDeviceCount)
        .option('--stranger-version <version>', 'the release that they report about', readVersion)
        .addOption(
          new Option('--strangers-say <status>', 'what became of it; nothing when absent').choices([
            'confirmed',
            'rolled_back',
            'failed',
            'crashed',
          ]),
        )
        .option('--strangers-check', 'they check before they report')
        .option(
          '--stranger-networks <count>',
          'from how many; for a server that trusts a proxy on this machine',
          readStrangerNetworks,
          1,
        ),
  )
}

interface StrangerOptions extends StrangerFlags {
  seed: string
  channel: string
  platform?: Platform
  nativeVersion: string
}

/** Sends them, and shows what the release's guard makes of them. */
export async function simulateStrangers(
  context: CliContext,
  { api, url, output }: Session,
  app: App,
  options: StrangerOptions,
): Promise<void> {
  const { strangers = 0, strangerNetworks: networks, strangerVersion: version, strangersCheck = false } = options
  const { strangersSay: status, seed, channel, nativeVersion } = options
  if (version === undefined) throw new UsageError('Say which release they report about: --stranger-version 1.2.0')
  const platform = options.platform ?? app.platforms[0] ?? 'any'
  const [rollout] = await listRolloutsOf(api, app.id, version, { platform, channel })
  if (!rollout) {
    throw new CommandError('rollout-not-found', `No rollout on ${channel} places the version ${version}.`)
  }
  output.notice(`${formatCount(strangers, 'invented device')} from ${formatCount(networks, 'network')} go to ${url}.`)
  const http = patientHttp(nodeFleetPorts().http, { signal: context.signal })
  const sending = { strangers, networks, seed, checks: strangersCheck, status, version, channel, platform }
  const sent = await sendStrangers({ ...sending, app, serverUrl: url, nativeVersion, http })
  const [guard, after] = [await api.getGuard(rollout.id), await api.getRollout(rollout.id)]
  const result = { app: app.slug, strangers, networks, ...sent, rollout: after, guard }
  output.result(result, () =>
    output.fields({
      strangers: `${strangers}, from ${formatCount(networks, 'network')}`,
      checks: `${sent.checks}, of which ${sent.offered} were offered an update`,
      reports: `${sent.reports} taken, ${sent.refused} requests refused`,
      rollout: `${after.state}, ${after.percentage} %`,
      ...guardFields(guard),
    }),
  )
}
