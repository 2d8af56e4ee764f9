import type { ExplainQuery, Explanation } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readNativeVersion, readPlatform } from '../arguments/readers.ts'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import type { CliContext } from '../context.ts'
import type { Output } from '../output/output.ts'
import { openSession, type SessionOptions } from '../session.ts'

interface ExplainOptions extends SessionOptions, ExplainQuery {
  device: string
}

export function addExplainCommand(program: Command, context: CliContext) {
  serverCommand(program, 'explain', 'says what a device would get now, and why', withApp)
    .requiredOption('--device <device-id>', 'which device')
    .option('--platform <platform>', 'for a device that the server has not seen', readPlatform)
    .option('--channel <channel>', 'for a device that the server has not seen', readChannel)
    .option('--native-version <version>', 'for a device that the server has not seen', readNativeVersion)
    .option('--runtime-version <version>', 'for a device that the server has not seen')
    .action((options: ExplainOptions) => explain(context, options))
}

async function explain(context: CliContext, options: ExplainOptions) {
  const { platform, channel, nativeVersion, runtimeVersion } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const facts = given({ platform, channel, nativeVersion, runtimeVersion })
  const explanation = await api.explain(app.id, options.device, facts)
  output.result(explanation, () => showExplanation(output, explanation))
}

function showExplanation(output: Output, { device, decision, rollouts }: Explanation) {
  const { kind, version, reason, explanation } = decision
  output.line(`${kind}${version === null ? '' : ` ${version}`} (${reason}): ${explanation}`)
  output.line('')
  output.fields(device)
  for (const { position, version, outcome, verdicts } of rollouts) {
    output.line('')
    output.line(`Rollout ${position} of ${version ?? 'embedded'}: ${outcome}`)
    for (const { rule, passed, explanation } of verdicts) output.line(`  ${passed ? '✓' : '✗'} ${rule} ${explanation}`)
  }
}
