import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createNodeCrypto } from '@hotpatch/client/node'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import {
  createNodeDisk,
  describeFailed,
  describePlan,
  examineKit,
  isTriedAgain,
  KitError,
  nodeProcess,
  planAsJson,
  type Consent,
  type FailedRelease,
  type Kit,
  type KitApply,
  type KitCheck,
} from '@hotpatch/kit'
import type { Command } from 'commander'
import { readChannel, readLimit } from '../arguments/readers.ts'
import { withJson, withYes, type ConsentOptions, type JsonOptions } from '../arguments/shared-options.ts'
import { CommandError, Verdict } from '../errors/errors.ts'
import {
  canRun,
  canWrite,
  findRoot,
  inWordsOfTool,
  openFoundKit,
  stoppedBy,
  type RootOptions,
} from '../kit/find-kit.ts'
import { createOutput, type Output } from '../output/output.ts'
import { createProgress, type Progress } from '../output/progress.ts'
import { createQuestions } from '../output/questions.ts'
import { formatCount } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { addKitPublishCommands } from './kit-publish.ts'
import { addKitScheduleCommand } from './kit-schedule.ts'

interface KitOptions extends RootOptions, JsonOptions {
  bundle?: string
  channel?: string
}

interface ApplyKitOptions extends KitOptions, ConsentOptions {
  again?: boolean
  unasked?: boolean
}

/** Beside 0, 1 and 2: what scripts branch on. */
const EXIT = { available: 3, required: 4, rolledBack: 5, stuck: 6 } as const
const MARKS = { ok: '✓', warn: '!', fail: '✗' } as const

/** Several components, one release: on the machine that has them, and where they are published. */
export function addKitCommands(program: Command, context: CliContext) {
  const kit = program.command('kit').description('several components that are updated together, or not at all')
  addKitPublishCommands(kit, context)
  addKitScheduleCommand(kit, context)
  const command = (name: string, description: string) =>
    withJson(kit.command(name).description(description)).option(
      '--root <folder>',
      'the folder with kit.json; this one or the next above when absent',
    )
  const asking = (name: string, description: string) =>
    command(name, description)
      .option('--bundle <folder>', 'what "kit bundle" wrote, in the place of the server')
      .option('--channel <channel>', 'in place of that of kit.json, this time; a bundle has to be of it', readChannel)

  asking('check', 'asks whether there is an update: 3 is one that is available, 4 one that is required').action(
    (options: KitOptions) => checkKit(context, options),
  )
  asking('plan', 'shows what would change, and changes nothing').action((options: KitOptions) =>
    showPlan(context, options),
  )
  withYes(asking('apply', 'applies what is offered, after asking: 5 when it was taken back, 6 when that failed'))
    .option('--again', 'although it did not work here before')
    .option('--unasked', 'only what kit.json allows without asking ("consent"), for timers')
    .action((options: ApplyKitOptions) => applyKit(context, options))
  withYes(command('rollback', 'goes back to the release before, whose bytes are kept')).action(
    (options: ApplyKitOptions) => rollBackKit(context, options),
  )
  command('status', 'shows what is installed').action((options: KitOptions) => showStatus(context, options))
  command('log', 'shows what was checked and applied')
    .option('--limit <count>', 'how many at most, up to 200', readLimit)
    .action((options: KitOptions & { limit?: number }) => showLog(context, options))
  command('recover', 'finishes, or takes back, what was cut short')
    .option('--looked-at', 'people have mended what could not be taken back: it is tried again')
    .action((options: KitOptions & { lookedAt?: boolean }) => recoverKit(context, options))
  asking('snooze', 'puts off what is offered for seven days, or one when it is required').action(
    (options: KitOptions) => snoozeKit(context, options),
  )
  command('doctor', 'looks for what is wrong with an installation, and says how to mend it').action(
    (options: KitOptions) => runKitDoctor(context, options),
  )
}

async function checkKit(context: CliContext, options: KitOptions) {
  const kit = await openFoundKit(context, options)
  const check = await inWordsOfTool(() => kit.check({ bundle: options.bundle, stopped: stoppedBy(context) }))
  const output = outputOf(context, options)
  output.result(checkAsJson(check), () => output.line(describeCheck(check)))
  if (check.kind === 'available') throw new Verdict(check.isRequired ? EXIT.required : EXIT.available)
}

/** In the words of Kits §6. */
function checkAsJson(check: KitCheck) {
  switch (check.kind) {
    case 'up-to-date':
      return {
        outcome: 'up_to_date',
        releaseId: check.releaseId ?? null,
        reason: check.reason,
        message: check.message,
        failed: check.failed.map(failedAsJson),
      }
    case 'skipped':
      return { outcome: 'check_skipped', reason: check.reason }
    case 'failed-before':
      return { outcome: 'up_to_date', releaseId: null, reason: 'failed-before', failed: [failedAsJson(check.failed)] }
    case 'available': {
      const { releaseId, manifest, snoozed } = check
      const outcome = check.isRequired ? 'update_required' : 'update_available'
      const until = snoozed ? new Date(snoozed.until).toISOString() : null
      return { outcome, releaseId, severity: manifest.severity, notes: manifest.notes ?? null, snoozedUntil: until }
    }
  }
}

function failedAsJson({ at, ...failed }: FailedRelease) {
  return { ...failed, at: new Date(at).toISOString(), isTriedAgain: isTriedAgain(failed) }
}

function describeCheck(check: KitCheck): string {
  switch (check.kind) {
    case 'up-to-date':
      return [`Nothing to do: ${check.message || check.reason}.`, ...check.failed.map(describeFailed)].join('\n')
    case 'skipped':
      return `Not checked: ${SKIPPED[check.reason]}`
    case 'failed-before':
      return `${check.failed.releaseId} is offered. ${describeFailed(check.failed)}`
    case 'available': {
      const required = check.isRequired ? ` It is required (${check.manifest.severity}).` : ''
      const snoozed = check.snoozed ? ` It was put off until ${new Date(check.snoozed.until).toISOString()}.` : ''
      return `${check.releaseId} is available.${required}${snoozed} See: hotpatch kit plan`
    }
  }
}

const SKIPPED = {
  dev: 'the channel is dev, which asks nobody. Name another (--channel), or bring a bundle: --bundle, with the channel that it is of.',
  'no-source': 'kit.json names no server ("source"). Bring a bundle: --bundle.',
  'installed-unknown': 'nothing says what is installed. "hotpatch kit plan" shows what an apply would do.',
} as const

async function showPlan(context: CliContext, options: KitOptions) {
  const kit = await openFoundKit(context, options)
  const planned = await inWordsOfTool(() => kit.plan({ bundle: options.bundle, stopped: stoppedBy(context) }))
  const output = outputOf(context, options)
  if ('kind' in planned) {
    return output.result(checkAsJson(planned), () => output.line(describeCheck(planned)))
  }
  const { plan, objections } = planned
  output.result({ plan: planAsJson(plan), objections }, () => {
    for (const line of describePlan(plan)) output.line(line)
    for (const objection of objections) output.line(`Stands against it: ${objection}`)
  })
}

/** Shows the plan, and asks; without a terminal it says which option is missing. */
function consentOf(context: CliContext, { yes, unasked, json }: ApplyKitOptions, question: string): Consent {
  if (unasked) return { kind: 'unasked' }
  const output = createOutput(context, json ?? false)
  return {
    kind: 'ask',
    async ask({ plan }) {
      for (const line of describePlan(plan)) output.notice(line)
      if (yes) return true
      const questions = createQuestions(context)
      questions.requireTerminal('This changes what is installed', '--yes')
      await questions.confirm(question)
      return true
    },
  }
}

async function applyKit(context: CliContext, options: ApplyKitOptions) {
  const kit = await openFoundKit(context, options)
  const consent = consentOf(context, options, 'Apply it?')
  await conclude(context, options, (watching) =>
    asNothingUnasked(options, () =>
      kit.apply({ bundle: options.bundle, consent, triesAgain: options.again ?? false, ...watching }),
    ),
  )
}

/** That a timer may not do what people have to agree to is no failure of it. */
async function asNothingUnasked({ unasked }: ApplyKitOptions, apply: () => Promise<KitApply>): Promise<KitApply> {
  try {
    return await apply()
  } catch (error) {
    const isForPeople = error instanceof KitError && (error.code === 'not-consented' || error.code === 'outside-window')
    if (unasked && isForPeople) return { kind: 'nothing-to-do', reason: error.code, message: error.message }
    throw error
  }
}

async function rollBackKit(context: CliContext, options: ApplyKitOptions) {
  const kit = await openFoundKit(context, options)
  const consent = consentOf(context, options, 'Go back to it?')
  await conclude(context, options, (watching) => kit.rollback({ consent, ...watching }))
}

type Watching = Pick<Parameters<Kit['apply']>[0], 'stopped' | 'onProgress' | 'onReport'>

async function conclude(context: CliContext, options: ApplyKitOptions, run: (watching: Watching) => Promise<KitApply>) {
  const output = outputOf(context, options)
  let progress: Progress | undefined
  const watching: Watching = {
    stopped: stoppedBy(context),
    onProgress({ doneBytes, totalBytes }) {
      progress ??= createProgress(context, 'Downloading', totalBytes)
      progress.advanceTo(doneBytes)
    },
    onReport({ component, kind, message }) {
      progress?.stop()
      if (component !== undefined) output.notice(`${component}: ${kind}${message === undefined ? '' : ` (${message})`}`)
    },
  }
  const outcome = await inWordsOfTool(() => run(watching)).finally(() => progress?.stop())
  showOutcome(output, outcome)
}

function showOutcome(output: Output, outcome: KitApply) {
  output.result(outcome, () => {
    for (const line of describeOutcome(outcome)) output.line(line)
  })
  if (outcome.kind === 'reverted') throw new Verdict(EXIT.rolledBack)
  if (outcome.kind === 'stuck') throw new Verdict(EXIT.stuck)
}

function describeOutcome(outcome: KitApply): string[] {
  switch (outcome.kind) {
    case 'nothing-to-do':
      return [`Nothing to do: ${outcome.message || outcome.reason}.`]
    case 'committed':
      return [
        `${outcome.releaseId} is installed.`,
        ...outcome.failed.map(
          ({ component, message }) => `Stayed as it was: ${component ?? 'a component'}: ${message}`,
        ),
        ...(outcome.unfinished ? [`Not cleaned up yet: ${outcome.unfinished.message}`] : []),
      ]
    case 'reverted':
      return [
        `${outcome.releaseId} was taken back: ${outcome.why.message}`,
        ...outcome.unwell.map((id) => `${id} is what it was, and may not be running: look at it.`),
      ]
    case 'stuck':
      return [`${outcome.releaseId} could not be taken back: ${outcome.why.message}`, outcome.advice]
  }
}

async function recoverKit(context: CliContext, options: KitOptions & { lookedAt?: boolean }) {
  const kit = await openFoundKit(context, options)
  const outcome = await inWordsOfTool(() => kit.recover({ hasBeenLookedAt: options.lookedAt ?? false }))
  const output = outputOf(context, options)
  if (outcome.kind === 'nothing-open') {
    return output.result(outcome, () => output.line('No apply was cut short.'))
  }
  output.result(outcome, () => {
    for (const line of describeOutcome(outcome)) output.line(line)
  })
  if (outcome.kind === 'stuck') throw new Verdict(EXIT.stuck)
}

async function showStatus(context: CliContext, options: KitOptions) {
  const kit = await openFoundKit(context, options)
  const { installed, open, channel, trust, failed, before } = await inWordsOfTool(() => kit.status())
  const output = outputOf(context, options)
  const components = Object.entries(installed?.components ?? {}).map(([id, { version, sha256, stagedAt }]) => ({
    id,
    version,
    sha256: sha256 ?? null,
    stagedAt: stagedAt ?? null,
  }))
  const releaseId = installed?.releaseId ?? null
  const openApply = open ? { releaseId: open.releaseId, state: open.state, why: open.why ?? null } : null
  const shown = {
    releaseId,
    channel,
    components,
    openApply,
    trust,
    failed: failed.map(failedAsJson),
    before: before ?? null,
  }
  output.result(shown, () => {
    output.fields({ release: releaseId ?? 'unknown', channel, 'release before': before, sequence: trust.sequence })
    if (open) output.line(`An apply of ${open.releaseId} is open (${open.state}). See: hotpatch kit doctor`)
    if (components.length > 0)
      output.table(
        ['component', 'version'],
        components.map(({ id, version }) => [id, version]),
      )
    for (const each of failed) output.line(describeFailed(each))
  })
}

async function showLog(context: CliContext, options: KitOptions & { limit?: number }) {
  const kit = await openFoundKit(context, options)
  const entries = await kit.log(options.limit ?? 50)
  const output = outputOf(context, options)
  output.result(entries, () => {
    for (const { at, event, ...facts } of entries) output.line(`${at} ${event} ${JSON.stringify(facts)}`)
    if (entries.length === 0) output.notice('Nothing was checked or applied yet.')
  })
}

async function snoozeKit(context: CliContext, options: KitOptions) {
  const kit = await openFoundKit(context, options)
  const snoozed = await inWordsOfTool(() => kit.snooze({ bundle: options.bundle, stopped: stoppedBy(context) }))
  const output = outputOf(context, options)
  const until = snoozed && new Date(snoozed.until).toISOString()
  output.result({ releaseId: snoozed?.releaseId ?? null, until: until ?? null }, () =>
    output.line(snoozed ? `${snoozed.releaseId} is put off until ${until}.` : 'There is nothing to put off.'),
  )
}

async function runKitDoctor(context: CliContext, options: KitOptions) {
  const root = await findRoot(context, options)
  const checks = await examineKit({
    disk: createNodeDisk(root),
    crypto: createNodeCrypto(),
    clock: systemClock(),
    process: nodeProcess(),
    canRun: (program) => canRun(program, { root, env: context.env }),
    modeOf: async (path) => (await stat(join(root, path)).catch(() => undefined))?.mode,
    canWrite: (path) => canWrite(join(root, path)),
  })
  const failures = checks.filter(({ status }) => status === 'fail')
  const output = outputOf(context, options)
  output.result({ ok: failures.length === 0, checks }, () => {
    for (const { id, status, message, fix } of checks) {
      output.line(`${MARKS[status]} ${id}: ${message}`)
      if (fix !== null) output.line(`    ${fix}`)
    }
  })
  if (failures.length > 0) {
    throw new CommandError('checks-failed', `${formatCount(failures.length, 'check')} failed.`)
  }
}

function outputOf(context: CliContext, { json }: JsonOptions): Output {
  return createOutput(context, json ?? false)
}
