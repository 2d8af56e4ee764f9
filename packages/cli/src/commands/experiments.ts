import type { App, Experiment, ExperimentArm, ExperimentResults, ManagementClient, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import { readChannel, readPercentage, readPlatform, readVersion } from '../arguments/readers.ts'
import {
  pageQuery,
  serverCommand,
  withApp,
  withPage,
  withRestating,
  withSigning,
  withYes,
  type PageOptions,
  type RestatingOptions,
  type KeyOptions,
} from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatNumber, formatRate, formatVersion } from '../output/figures.ts'
import type { Output } from '../output/output.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import {
  describeRestatement,
  placeRestated,
  planPlacement,
  planRestatement,
  type Restatement,
} from '../signing/restate.ts'
import type { SignedStatement } from '../signing/sign-statement.ts'

interface WantedArm {
  name: string
  /** Id or version. */
  release: string
  weight: number
}

interface StartOptions extends SessionOptions, KeyOptions {
  restate?: boolean
  arm: WantedArm[]
  channel: string
  platform?: Platform
  percentage: number
}

interface FinishOptions extends SessionOptions, RestatingOptions {
  version?: string
  platform?: Platform
  winner?: string
}

export function addExperimentCommands(program: Command, context: CliContext) {
  const experiments = program.command('experiments').description('A/B tests: releases that share a channel')

  serverCommand(experiments, 'start', 'splits the devices of a channel between releases', withApp, withYes, withSigning)
    .argument('<name>', 'what is tested')
    .option('--arm <name=release:weight>', 'such as new=1.3.0:50; once for each arm', collectArm, [])
    .option('--channel <channel>', 'whose devices', readChannel, 'production')
    .option('--platform <platform>', 'where releases are named by their version', readPlatform)
    .option('--percentage <percent>', 'how many of them take part', readPercentage, 100)
    .option('--restate', 'state every arm again, signed: devices that run something newer take their arm, too')
    .action((name: string, options: StartOptions) => startExperiment(context, name, options))

  serverCommand(experiments, 'list', 'lists A/B tests, newest first', withApp, withPage).action(
    (options: SessionOptions & PageOptions) => listExperiments(context, options),
  )

  serverCommand(experiments, 'show', 'shows an A/B test and how its arms fare')
    .argument('<experiment-id>')
    .action((id: string, options: SessionOptions) => showExperiment(context, id, options))

  serverCommand(experiments, 'finish', 'ends an A/B test', withRestating, withYes)
    .argument('<experiment-id>')
    .option('--version <version>', 'of the winner; needed when it is signed again without a question', readVersion)
    .option('--platform <platform>', 'likewise', readPlatform)
    .option('--winner <arm>', 'whose release goes to all; without one everybody goes back to what was there before')
    .action((id: string, options: FinishOptions) => finishExperiment(context, id, options))
}

function collectArm(text: string, arms: readonly WantedArm[]): WantedArm[] {
  const [, name, release, weight] = /^([^=]+)=(.+):(\d+(?:\.\d{1,2})?)%?$/.exec(text) ?? []
  if (name === undefined || release === undefined || weight === undefined) {
    throw new InvalidArgumentError('Expected NAME=RELEASE:WEIGHT, such as new=1.3.0:50.')
  }
  return [...arms, { name, release, weight: Number(weight) }]
}

async function startExperiment(context: CliContext, name: string, options: StartOptions) {
  const { arm: wanted, channel, platform, percentage } = options
  if (wanted.length < 2) throw new UsageError('Name at least two arms, such as --arm old=1.2.0:50 --arm new=1.3.0:50')
  const session = await openSession(context, options)
  const { api, chooseApp, confirm, output } = session
  const app = await chooseApp()
  const arms = await Promise.all(
    wanted.map(async (arm) => ({
      ...arm,
      wanted: arm.release,
      release: await findRelease(api, app.id, arm.release, platform),
    })),
  )
  // The newest is placed last: statements take their sequences in that order.
  const ordered = arms.toSorted((a, b) => a.release.sequence - b.release.sequence)
  const restatement = options.restate ? await planArms(session, app, ordered, options) : undefined
  for (const arm of arms) output.notice(`${arm.name}: ${arm.release.version}, ${arm.weight} %`)
  const newest = Math.max(...arms.map((arm) => arm.release.sequence))
  const isStatedAgain = restatement?.kind === 'signed'
  if (restatement) output.notice(describeRestatement(restatement))
  const left = arms.filter(({ release }) => app.signing === 'required' && !isStatedAgain && release.sequence < newest)
  for (const { name, release } of left) {
    output.notice(
      `! Devices that run a newer release than ${release.version} stay on it when they fall into "${name}".`,
    )
  }
  await confirm(`Start "${name}" with ${percentage} % of the devices on ${channel} of ${app.slug}?`)
  const create = (signed: readonly Partial<SignedStatement>[]) =>
    api.createExperiment(app.id, {
      name,
      channel,
      percentage,
      arms: arms.map((arm) => ({
        name: arm.name,
        weight: arm.weight,
        releaseId: arm.release.id,
        ...signed[ordered.indexOf(arm)],
      })),
    })
  const experiment = restatement
    ? await placeRestated(session, app, restatement, (first, more) => create([first, ...more]))
    : await create([])
  output.result(experiment, () => show(output, experiment))
}

/** The server says which release an id is: what is signed without a look at it has to be named by its version. */
function planArms(
  session: Session,
  app: App,
  arms: readonly { wanted: string; release: Release }[],
  options: StartOptions,
): Promise<Restatement> {
  const targets = arms.map(({ wanted, release }) => ({
    app,
    platform: options.platform ?? release.platform,
    channel: options.channel,
    release,
    version: wanted === release.id ? undefined : wanted,
  }))
  const isNamed = options.platform !== undefined && targets.every(({ version }) => version !== undefined)
  const [first, ...more] = targets
  if (!first) throw new UsageError('Name at least two arms.')
  return planRestatement(session, { ...first, mustBeNamed: Boolean(options.yes) && !isNamed }, options, more)
}

async function findRelease(
  api: ManagementClient,
  app: string,
  idOrVersion: string,
  platform: Platform | undefined,
): Promise<Release> {
  if (/^[0-9a-f-]{36}$/.test(idOrVersion)) return api.getRelease(idOrVersion)
  const { items } = await api.listReleases(app, { version: idOrVersion, ...(platform && { platform }) })
  const [found, another] = items
  if (found && !another) return found
  const advice = found ? 'There are several: name the --platform, or the id.' : 'See: releases list'
  throw new CommandError('release-not-found', `Expected one release of the version ${idOrVersion}. ${advice}`)
}

async function listExperiments(context: CliContext, options: SessionOptions & PageOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const page = await api.listExperiments(app.id, pageQuery(options))
  const shown = page.items.map(({ arms, ...experiment }) => ({
    ...experiment,
    arms: arms.map((arm) => `${arm.name} ${arm.version} ${arm.weight} %`).join(', '),
  }))
  output.page(page, ['name', 'state', 'platform', 'channel', 'percentage', 'arms', 'winner', 'id'], shown)
}

async function showExperiment(context: CliContext, id: string, options: SessionOptions) {
  const { api, output } = await openSession(context, options)
  const experiment = await api.getExperiment(id)
  const results = await api.getExperimentResults(experiment.appId, id)
  output.result({ ...experiment, results: results.arms }, () => {
    output.fields(fieldsOf(experiment))
    output.line('')
    showResults(output, results)
  })
}

async function finishExperiment(context: CliContext, id: string, options: FinishOptions) {
  const { winner } = options
  const session = await openSession(context, options)
  const { api, confirm, output } = session
  const { appId, name, arms, channel } = await api.getExperiment(id)
  const won = arms.find((arm) => arm.name === winner)
  if (winner !== undefined && !won) {
    throw new UsageError(`--winner: expected one of ${arms.map((arm) => arm.name).join(', ')}.`)
  }
  const meaning = won ? `${won.version} goes to all devices on ${channel}` : 'everybody goes back'
  const question = `End "${name}": ${meaning}?`
  if (!won) {
    await confirm(question)
    const experiment = await api.finishExperiment(id, { winner: null })
    return output.result(experiment, () => show(output, experiment))
  }
  const app = await session.getApp(appId)
  const winning = await winningRelease(session, app, won, options)
  const restatement = await planPlacement(session, { ...winning, channel }, options)
  output.notice(describeRestatement(restatement))
  await confirm(question)
  const experiment = await placeRestated(session, app, restatement, (signed) =>
    api.finishExperiment(id, { winner: won.name, ...signed }),
  )
  output.result(experiment, () => show(output, experiment))
}

/** The server says which release an arm has: what is signed without a look at it has to be named. */
async function winningRelease({ api }: Session, app: App, arm: ExperimentArm, options: FinishOptions) {
  const { version, platform, yes } = options
  const release = await api.getRelease(arm.releaseId)
  const mustBeNamed = Boolean(yes) && (version === undefined || platform === undefined)
  return { app, platform: platform ?? release.platform, release, version, mustBeNamed }
}

function show(output: Output, experiment: Experiment) {
  output.fields(fieldsOf(experiment))
  output.line('')
  output.table(
    ['arm', 'version', 'of them', 'rollout'],
    experiment.arms.map(({ name, weight, version, rolloutId }) => [name, version, `${weight} %`, rolloutId]),
  )
}

function fieldsOf({ id, name, state, platform, channel, percentage, winner, ...times }: Experiment) {
  const { createdAt, createdBy, finishedAt } = times
  return {
    id,
    name,
    state:
      state === 'finished' ? `finished at ${finishedAt}, ${winner === null ? 'nobody won' : `${winner} won`}` : state,
    platform,
    channel,
    'takes part': `${percentage} % of the devices`,
    started: `${createdAt} by ${createdBy}`,
  }
}

/** Rates are of those who tried it, with the interval that they lie in with 95 % certainty. */
function showResults(output: Output, { arms }: ExperimentResults) {
  output.table(
    ['arm', 'version', 'of them', 'offered', 'tried it', 'worked', 'went bad'],
    arms.map(({ arm, version, weight, offered, attempted, succeeded, bad }) => [
      arm,
      formatVersion(version),
      `${weight} %`,
      formatNumber(offered),
      formatNumber(attempted),
      formatRate(succeeded),
      formatRate(bad),
    ]),
  )
  const known = arms.filter(({ bad }) => bad.low !== null && bad.high !== null)
  const differ = known.some((arm) => known.some((other) => (arm.bad.low ?? 0) > (other.bad.high ?? 1)))
  output.line('')
  output.line(
    differ
      ? 'Two arms differ by more than chance: their 95 % intervals of what went bad do not meet.'
      : 'No difference yet that could not be chance: the 95 % intervals of what went bad overlap.',
  )
}
