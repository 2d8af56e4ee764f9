import type { ExplainQuery, Explanation } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readNativeVersion, readPlatform } from '../arguments/readers.ts'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import type { Output } from '../output/output.ts'
import { printable } from '../output/text.ts'
import { openSession, type SessionOptions } from '../session.ts'

interface ExplainOptions extends SessionOptions, ExplainQuery {
  device?: string
}

export function addExplainCommand(program: Command, context: CliContext) {
  serverCommand(program, 'explain', 'says what a device would get now, and why', withApp)
    .alias('why')
    .argument('[device-id]', 'which device: as it tells its id, or as the server shows it')
    .option('--device <device-id>', 'the same')
    .option('--release <release>', 'id or version: what would have to change for the device to get it')
    .option('--platform <platform>', 'for a device that the server has not seen', readPlatform)
    .option('--channel <channel>', 'for a device that the server has not seen', readChannel)
    .option('--native-version <version>', 'for a device that the server has not seen', readNativeVersion)
    .option('--runtime-version <version>', 'for a device that the server has not seen')
    .action((id: string | undefined, options: ExplainOptions) => explain(context, id ?? options.device, options))
}

async function explain(context: CliContext, deviceId: string | undefined, options: ExplainOptions) {
  if (deviceId === undefined) throw new UsageError('Name the device: hotpatch why DEVICE-ID')
  const { platform, channel, nativeVersion, runtimeVersion, release } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const facts = given({ platform, channel, nativeVersion, runtimeVersion, release })
  const explanation = await api.explain(app.id, deviceId, facts)
  output.result(explanation, () => showExplanation(output, explanation))
}

function showExplanation(output: Output, explanation: Explanation) {
  const { device, decision, generation, rollouts } = explanation
  const { kind, version, reason } = decision
  output.line(`${kind}${version === null ? '' : ` ${version}`} (${reason}): ${decision.explanation}`)
  showTowards(output, explanation)
  output.line('')
  output.fields(device)
  showLastSaid(output, explanation)
  output.line(`\nCatalog: generation ${generation} of ${device.channel} for ${device.platform}`)
  for (const { position, version, outcome, verdicts } of rollouts) {
    output.line('')
    output.line(`Rollout ${position} of ${version ?? 'embedded'}: ${outcome}`)
    for (const { rule, passed, explanation } of verdicts) output.line(`  ${passed ? '✓' : '✗'} ${rule} ${explanation}`)
  }
}

function showTowards(output: Output, { towards }: Explanation) {
  if (!towards) return
  output.line('')
  if (towards.changes.length === 0) return output.line(`It gets ${towards.version}, or runs it: nothing has to change.`)
  output.line(`For ${towards.version} to reach it:`)
  for (const change of towards.changes) output.line(`  - ${change}`)
}

function showLastSaid(output: Output, { lastSaid }: Explanation) {
  if (!lastSaid) return output.line('\nIt never showed itself: this is what it would get.')
  const { lastCheckAt, decision, reason, explanation, events } = lastSaid
  output.line('')
  if (lastCheckAt !== null) output.line(`Last check ${lastCheckAt}: ${decision} (${reason}). ${explanation ?? ''}`)
  for (const { occurredAt, kind, version, code, detail } of events) {
    const what = [kind, version, code, detail].filter((part) => part !== null)
    output.line(`  ${occurredAt}  ${what.map((part) => printable(part)).join(' ')}`)
  }
}
