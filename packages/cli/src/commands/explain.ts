import type { ExplainQuery, Explanation } from '@hotpatch/api'
import { isCustomAttribute } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readNativeVersion, readPlatform } from '../arguments/readers.ts'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { describeAnswer } from '../output/describe-answer.ts'
import { describeCode } from '../output/device-codes.ts'
import { trustFields } from '../output/device-trust.ts'
import type { Output } from '../output/output.ts'
import { printable } from '../output/text.ts'
import { openSession, type SessionOptions } from '../session/session.ts'

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
  if (release === undefined && explanation.decision.kind === 'up-to-date' && !output.isJson) {
    output.notice('\nWhat would have to change for it to get a release: give --release VERSION.')
  }
}

/** The answer first, then what would change it, then what it follows from. */
function showExplanation(output: Output, explanation: Explanation) {
  const { device, decision, generation, rollouts, towards, notices } = explanation
  output.line(`${describeAnswer(decision)}: ${decision.explanation} (${decision.reason})`)
  if (towards) showTowards(output, towards)
  else for (const way of decision.waysOut) output.line(`  - ${way}`)
  for (const { explanation: notice } of notices) output.line(printable(notice))
  output.line('')
  output.fields(deviceFields(device))
  showLastSaid(output, explanation)
  output.line(`\nRollouts on ${device.channel} for ${device.platform}, as they are tried (generation ${generation})`)
  if (rollouts.length === 0) output.line('\nThere is none.')
  const shown = rolloutsToShow(explanation)
  for (const rollout of shown) showRollout(output, rollout)
  const hidden = rollouts.length - shown.length
  if (hidden > 0) output.line(`\n… and ${hidden} below, which were not reached or have no say: --json has all.`)
}

function showTowards(output: Output, { version, changes }: NonNullable<Explanation['towards']>) {
  output.line('')
  if (changes.length === 0) return output.line(`It gets ${version}, or runs it: nothing has to change.`)
  output.line(`For ${version} to reach it:`)
  for (const change of changes) output.line(`  - ${change}`)
}

/** What is not known is left out. */
function deviceFields(device: Explanation['device']) {
  const { nativeVersion, runtimeVersion, attributes, failedReleaseIds, cohorts } = device
  const { osVersion, model, architecture, locale } = attributes
  const system = [osVersion !== undefined && `${device.platform} ${osVersion}`, model, architecture, locale].filter(
    Boolean,
  )
  return {
    device: device.id,
    runs: describeRunning(device),
    ...(nativeVersion !== null && { binary: nativeVersion }),
    ...(runtimeVersion !== null && { runtime: runtimeVersion }),
    ...(system.length > 0 && { system: system.join(', ') }),
    ...(cohorts.length > 0 && { cohorts }),
    ...customFields(attributes),
    ...trustFields(device.trust),
    ...(failedReleaseIds.length > 0 && { 'failed on it': failedReleaseIds }),
    ...(device.lastSeenAt !== null && { 'last seen': device.lastSeenAt }),
  }
}

function describeRunning({ isKnown, currentReleaseId, currentVersion }: Explanation['device']): string {
  if (!isKnown) return 'not known: it never showed itself'
  if (currentVersion !== null) return currentVersion
  if (currentReleaseId === null) return 'what its binary shipped with'
  return `a release that the server does not know on this channel (${printable(currentReleaseId)})`
}

/** What the app tells by names of its own. */
function customFields(attributes: Explanation['device']['attributes']) {
  const custom = Object.entries(attributes).filter(([name]) => isCustomAttribute(name))
  return Object.fromEntries(custom.map(([name, value]) => [name, printable(value)]))
}

function showLastSaid(output: Output, { lastSaid }: Explanation) {
  if (!lastSaid) return
  const { lastCheckAt, decision, reason, explanation, events } = lastSaid
  output.line('')
  if (lastCheckAt !== null) output.line(`Its last check was answered: ${decision} (${reason}). ${explanation ?? ''}`)
  for (const { occurredAt, kind, version, code, detail } of events) {
    const what = [kind, version, describeCode(code), detail].filter((part) => part !== null)
    output.line(`  ${occurredAt}  ${what.map((part) => printable(part)).join(' ')}`)
  }
}

type ExplainedRollout = Explanation['rollouts'][number]

const MAX_ROLLOUTS = 10

/** Down to the one that decided, and those of the release that was asked for: a channel may have hundreds. */
function rolloutsToShow({ rollouts, towards }: Explanation): ExplainedRollout[] {
  const target = rollouts.findIndex(({ outcome }) => outcome === 'target')
  const reached = target === -1 ? rollouts.length : target + 1
  return rollouts.filter(
    ({ releaseId, outcome }, index) =>
      (index < reached && index < MAX_ROLLOUTS) || outcome === 'target' || releaseId === towards?.releaseId,
  )
}

const OUTCOMES: Record<ExplainedRollout['outcome'], string> = {
  target: 'decides',
  'passed-over': 'passed over',
  'not-reached': 'would fit, but one above it decides',
}

function showRollout(output: Output, { position, version, outcome, verdicts }: ExplainedRollout) {
  output.line(`\nRollout ${position} of ${version ?? 'embedded'}: ${OUTCOMES[outcome]}`)
  // What speaks against it is what people look for.
  for (const { rule, passed, explanation } of verdicts.toSorted((a, b) => Number(a.passed) - Number(b.passed))) {
    output.line(`  ${passed ? '✓' : '✗'} ${explanation} (${rule})`)
  }
}
