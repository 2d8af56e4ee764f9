import type { Adoption, ManagementClient } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { placeOf, requireOneForm, timesOf, withInsight, type InsightOptions } from '../arguments/insight-options.ts'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { CommandError } from '../errors/errors.ts'
import { bars, curve, type Drawing } from '../output/charts.ts'
import { formatDuration, formatNumber, formatRate, formatShare, formatTime, formatVersion } from '../output/figures.ts'
import { describeLeftOut } from '../output/left-out.ts'
import { COUNTED_ALL_THE_SAME, noteNotKept } from '../output/not-kept.ts'
import type { Output } from '../output/output.ts'
import { formatCount } from '../output/text.ts'
import { isRolloutId } from '../release/choose-rollout.ts'
import { describeElsewhere, findRollout } from '../release/find-release.ts'
import { openSession } from '../session/session.ts'
import { showPatches } from './stats-views.ts'

export function addAdoptionCommand(program: Command, context: CliContext) {
  serverCommand(program, 'adoption', 'shows how a rollout spreads, and how devices fare with it', withApp, withInsight)
    .argument('[rollout-or-version]', 'the newest rollout when absent')
    .action((wanted: string | undefined, options: InsightOptions) => showAdoption(context, wanted, options))
}

async function showAdoption(context: CliContext, wanted: string | undefined, options: InsightOptions) {
  requireOneForm(options)
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const id = await chooseRollout(api, app.id, wanted, options)
  const times = timesOf(options)
  if (options.csv) {
    output.text(await api.getInsightCsv(app.id, ['rollouts', id, 'adoption'], times))
    return
  }
  const adoption = await api.getAdoption(app.id, id, times)
  output.result(adoption, () => renderAdoption(output, adoption, output.drawing))
}

async function chooseRollout(
  api: ManagementClient,
  appId: string,
  wanted: string | undefined,
  options: InsightOptions,
): Promise<string> {
  if (wanted !== undefined && isRolloutId(wanted)) return wanted
  const place = placeOf(options)
  if (wanted === undefined) {
    const [newest] = (await api.listRollouts(appId, { ...place, limit: 1 })).items
    if (newest) return newest.id
    throw new CommandError('rollout-not-found', 'There is no rollout yet. See: rollouts list')
  }
  const found = await findRollout(
    (cursor) => api.listRollouts(appId, { ...place, limit: 200, ...given({ cursor }) }),
    wanted,
  )
  if (found) return found.id
  const elsewhere = await describeElsewhere(api, appId, wanted, place)
  throw new CommandError('rollout-not-found', `No rollout there places the version ${wanted}. ${elsewhere}`)
}

const BASES: Record<Adoption['eligible']['basis'], string> = {
  known: 'all that are known there',
  percentage: 'its share of those known there',
  reached: 'those that it has reached so far',
}

function renderAdoption(output: Output, adoption: Adoption, drawing: Drawing): void {
  const { version, channel, platform, state, percentage, startedAt, eligible, share, points } = adoption
  const { running, everRan } = adoption
  output.line(`${formatVersion(version)} on ${channel} for ${platform}: ${state}, ${percentage} %`)
  output.line(`Rollout ${adoption.rolloutId}, ${startedAt ? `started ${formatTime(startedAt)}` : 'not started yet'}`)
  output.line(`Eligible: ${formatNumber(eligible.devices)} devices, ${BASES[eligible.basis]}`)
  output.line(`Running now: ${formatNumber(running)} devices, ${formatShare(share)}`)
  output.line(
    `Ever ran it: ${formatNumber(everRan)} devices, ${formatNumber(Math.max(everRan - running, 0))} of them left it`,
  )
  showPatches(output, adoption.downloads.patches)
  showTakers(output, adoption.takers)
  output.line('')
  const chart = {
    values: points.map((point) => point.share ?? 0),
    top: 1,
    format: (value: number) => `${Math.round(value * 100)} %`,
    ends: [formatTime(points[0]?.at ?? adoption.from), formatTime(adoption.to)] as const,
  }
  output.drawn(curve(chart, drawing))
  output.line('')
  for (const reached of adoption.reached) {
    const when = reached.seconds === null ? 'not yet' : `after ${formatDuration(reached.seconds)}`
    output.line(`${Math.round(reached.share * 100)} % of the eligible devices: ${when}`)
  }
  output.line('')
  output.drawn(bars(funnelOf(adoption), drawing))
  output.line('')
  output.table(
    ['of those who attempted it', 'devices', 'share (95 % certain)'],
    [
      ['succeeded', formatNumber(adoption.succeeded.devices), formatRate(adoption.succeeded)],
      ['failed', formatNumber(adoption.failed.devices), formatRate(adoption.failed)],
      ['rolled back', formatNumber(adoption.rolledBack.devices), formatRate(adoption.rolledBack)],
      ['crashed', formatNumber(adoption.crashed.devices), formatRate(adoption.crashed)],
    ],
  )
  const { attempted, bad, leftOut } = adoption.believed
  output.line(`Guards and plans believe ${formatNumber(attempted)} of them, ${formatNumber(bad)} bad`)
  if (leftOut.devices + leftOut.unprovenReports > 0) output.line(`Left out: ${describeLeftOut(leftOut)}`)
  noteNotKept(output, adoption.eventsNotKept, COUNTED_ALL_THE_SAME)
}

/** Whom it is for that will not get it, and why: nobody has to wait for these. */
function showTakers(output: Output, takers: Adoption['takers']): void {
  if (!takers) {
    output.line('Who can take it cannot be said now: the server is busy with other questions about the fleet')
    return
  }
  const { audience, canTake, left, refuse, needOtherBinary, untold, judged, isSample, countedAt } = takers
  const of = isSample ? `of a sample of ${formatNumber(judged)} devices of the app` : 'of those that are known'
  output.line(`It is for: ${formatCount(audience, 'device')} now, ${of}, counted ${formatTime(countedAt)}`)
  output.line(`Can take it: ${formatCount(canTake, 'device')}, ${formatNumber(left)} of them have still to try it`)
  showReasons(output, 'Would refuse it', refuse)
  showReasons(output, 'Wait for another binary', needOtherBinary)
  // Of a fleet that tells nothing of the kind, there is nothing to say.
  if (untold > 0 && untold < audience) {
    output.line(
      `${formatCount(untold, 'device')} never told which keys and sequences they take, and may refuse it, too`,
    )
  }
}

function showReasons(output: Output, what: string, reasons: NonNullable<Adoption['takers']>['refuse']): void {
  if (reasons.length === 0) return
  output.line(`${what}: ${formatCount(sumOf(reasons), 'device')}`)
  for (const { reason, explanation, devices } of reasons) {
    output.line(`  ${formatNumber(devices)} ${reason}: ${explanation}`)
  }
}

function sumOf(reasons: readonly { devices: number }[]): number {
  return reasons.reduce((sum, { devices }) => sum + devices, 0)
}

function funnelOf(adoption: Adoption) {
  const steps = {
    offered: adoption.offered,
    downloaded: adoption.downloaded,
    applied: adoption.applied,
    confirmed: adoption.confirmed,
    'ever ran': adoption.everRan,
    'running now': adoption.running,
    stuck: adoption.stuck,
  }
  return Object.entries(steps).map(([label, value]) => ({ label, value, text: formatNumber(value) }))
}
