import type { RolloutFilter } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPercentage, readPlatform } from '../arguments/readers.ts'
import {
  mandatoryBelowOption,
  mandatoryOption,
  pageQuery,
  serverCommand,
  withApp,
  withPage,
  withSigning,
  withYes,
  type PageOptions,
} from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import {
  audienceLines,
  describeAudience,
  readAudience,
  withAudience,
  type AudienceOptions,
  type RolloutAudience,
} from '../release/rollout-audience.ts'
import { chooseRollout, describePlace, withRollout, type RolloutChoice } from '../release/choose-rollout.ts'
import { findImpact, impactLines } from '../release/change-impact.ts'
import { planWayOut, type WayOutOptions } from '../release/way-out.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { formatVersion } from '../output/figures.ts'
import { openSession, type SessionOptions } from '../session/session.ts'
import { addRolloutComponentsCommand } from './rollout-components.ts'
import { addRolloutGuardCommand } from './rollout-guard.ts'
import { addRolloutPlanCommands } from './rollout-plans.ts'

type RolloutListOptions = SessionOptions & PageOptions & RolloutFilter

type HaltOptions = RolloutChoice & WayOutOptions

interface ChangeOptions extends RolloutChoice, AudienceOptions {
  percentage?: number
  mandatory?: boolean
  mandatoryBelow?: string
  /** False after `--no-…`, else true. */
  rules: boolean
  devices: boolean
  cohorts: boolean
}

/** What `rollouts VERB ID` does: the client's method, and what it means for devices. */
const STATE_CHANGES = {
  pause: { method: 'pauseRollout', meaning: 'devices that have it keep it, no others get it' },
  resume: { method: 'resumeRollout', meaning: 'it goes on where it stopped' },
  halt: { method: 'haltRollout', meaning: 'stops it for good, and devices that have it leave it' },
} as const

export function addRolloutCommands(program: Command, context: CliContext) {
  const rollouts = program.command('rollouts').description('which devices get which release')

  serverCommand(rollouts, 'list', 'lists rollouts, newest first', withApp, withPage)
    .option('--platform <platform>', 'only of this platform', readPlatform)
    .option('--channel <channel>', 'only of this channel', readChannel)
    .addOption(new Option('--state <state>', 'only in this state').choices(['active', 'paused', 'halted', 'withdrawn']))
    .action((options: RolloutListOptions) => listRollouts(context, options))

  serverCommand(rollouts, 'set', 'changes which devices get a release', withRollout, withYes, withAudience)
    .option('--percentage <percent>', '0 to 100, in steps of 0.01', readPercentage)
    .addOption(mandatoryOption())
    .addOption(mandatoryBelowOption())
    .option('--no-rules', 'devices need not meet any rule')
    .option('--no-devices', 'no devices that get it in any case')
    .option('--no-cohorts', 'no cohorts')
    .action((named: string | undefined, options: ChangeOptions) => changeRollout(context, named, options))

  addRolloutPlanCommands(rollouts, context)
  addRolloutGuardCommand(rollouts, context)
  addRolloutComponentsCommand(rollouts, context)

  for (const verb of ['pause', 'resume'] as const) {
    serverCommand(rollouts, verb, STATE_CHANGES[verb].meaning, withRollout, withYes).action(
      (named: string | undefined, options: RolloutChoice) => changeState(context, verb, named, options),
    )
  }
  serverCommand(rollouts, 'halt', STATE_CHANGES.halt.meaning, withRollout, withYes, withSigning)
    .option(
      '--restate <version>',
      'place this version first, or embedded, stated again and signed: for devices that would be left behind',
    )
    .action((named: string | undefined, options: HaltOptions) => changeState(context, 'halt', named, options))
}

async function listRollouts(context: CliContext, options: RolloutListOptions) {
  const { platform, channel, state } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const page = await api.listRollouts(app.id, {
    ...pageQuery(options),
    ...given({ platform, channel, state }),
  })
  const columns = ['position', 'version', 'platform', 'channel', 'state', 'audience', 'mandatory', 'id'] as const
  const shown = page.items.map((rollout) => ({
    ...rollout,
    version: rollout.version ?? rollout.target,
    state: rollout.coveredBy
      ? `${rollout.state}, covered by ${formatVersion(rollout.coveredBy.version)}`
      : rollout.state,
    audience: describeAudience(rollout),
  }))
  output.page(page, columns, shown)
}

async function changeRollout(context: CliContext, named: string | undefined, options: ChangeOptions) {
  const { percentage, mandatory, mandatoryBelow } = options
  const audience = { ...readAudience(options), ...emptied(options) }
  const changes = { ...given({ percentage, mandatory, mandatoryBelow }), ...audience }
  if (Object.keys(changes).length === 0) {
    throw new UsageError(
      'Say what to change: --percentage, --mandatory, --mandatory-below, --rule, --device or --cohort.',
    )
  }
  const session = await openSession(context, options)
  const { api, confirm, output } = session
  session.requireConsent()
  const before = await chooseRollout(session, named, options)
  for (const [name, text] of Object.entries(audienceLines(audience))) output.notice(`${name}: ${text}`)
  const wanted = Object.entries(changes).map(([name, value]) => `${name} ${formatChange(value)}`)
  await confirm(`Set ${wanted.join(' and ')} on the rollout of ${describePlace(before)}?`)
  const rollout = await api.changeRollout(before.id, changes)
  output.result(rollout, () => output.fields(rolloutFields(rollout)))
}

/** The lists that are to be empty. */
function emptied({ rule, device, cohort, rules, devices, cohorts }: ChangeOptions): RolloutAudience {
  const both = (!rules && rule && 'rule') || (!devices && device && 'device') || (!cohorts && cohort && 'cohort')
  if (both) throw new UsageError(`Give --${both} or --no-${both}s, not both.`)
  return { ...(!rules && { rules: [] }), ...(!devices && { devices: [] }), ...(!cohorts && { cohorts: [] }) }
}

/** Lists are shown above the question. */
function formatChange(value: unknown): string {
  if (!Array.isArray(value)) return String(value)
  return value.length === 0 ? 'none' : `as above (${value.length})`
}

async function changeState(
  context: CliContext,
  verb: keyof typeof STATE_CHANGES,
  named: string | undefined,
  options: HaltOptions,
) {
  const { method, meaning } = STATE_CHANGES[verb]
  const session = await openSession(context, options)
  const { api, confirm, output } = session
  session.requireConsent()
  const before = await chooseRollout(session, named, options)
  const impact = await findImpact(api, before.appId, { change: verb, rolloutId: before.id }, output)
  for (const [name, text] of Object.entries(impactLines(impact))) output.notice(`${name}: ${text}`)
  const wayOut = verb === 'halt' ? await planWayOut(session, before, impact, options) : undefined
  await confirm(`${verb} the rollout of ${describePlace(before)}: ${meaning}?`)
  // Placed first: no device is left behind, not even for a moment.
  const placed = (await wayOut?.place()) ?? null
  const rollout = await api[method](before.id)
  output.result({ ...rollout, impact: impact ?? null, placed }, () => {
    output.fields(rolloutFields(rollout))
    if (placed) output.notice(`Placed again: ${describePlace(placed)}, ${placed.id}`)
  })
}
