import type { InsightQuery, ManagementClient, Overview, WholeInsightQuery } from '@hotpatch/api'
import { Argument, type Command } from 'commander'
import { placeOf, requireOneForm, timesOf, withInsight, type InsightOptions } from '../arguments/insight-options.ts'
import { serverCommand, withApp } from '../arguments/shared-options.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { sparkline } from '../output/charts.ts'
import { formatNumber, formatTrend } from '../output/figures.ts'
import { COUNTED_ALL_THE_SAME, noteNotKept } from '../output/not-kept.ts'
import type { Output } from '../output/output.ts'
import { formatBytes } from '../output/text.ts'
import { openSession } from '../session/session.ts'
import { showActive, showChecks, showDownloads, showHealth, showReasons, showVersions } from './stats-views.ts'

interface View {
  /** Its address below the app's insights. */
  path: string[]
  show(api: ManagementClient, appId: string, query: InsightQuery, output: Output): Promise<void>
}

const VIEWS: Record<string, View> = {
  active: {
    path: ['active'],
    show: async (api, appId, query, output) => showActive(output, await api.getActiveDevices(appId, query)),
  },
  versions: {
    path: ['versions'],
    show: async (api, appId, query, output) => showVersions(output, await api.getVersions(appId, query)),
  },
  health: {
    path: ['releases', 'health'],
    show: async (api, appId, query, output) => showHealth(output, await api.getReleaseHealth(appId, query)),
  },
  downloads: {
    path: ['downloads'],
    show: async (api, appId, query, output) => showDownloads(output, await api.getDownloads(appId, query)),
  },
  checks: {
    path: ['checks'],
    show: async (api, appId, query, output) => showChecks(output, await api.getChecks(appId, query)),
  },
  reasons: {
    path: ['reasons'],
    show: async (api, appId, query, output) => showReasons(output, await api.getReasons(appId, query)),
  },
}

export function addStatsCommand(program: Command, context: CliContext) {
  serverCommand(program, 'stats', 'shows the fleet: who is active, what runs, what is refused', withApp, withInsight)
    .addArgument(new Argument('[what]', 'an overview when absent').choices(Object.keys(VIEWS)))
    .action((what: string | undefined, options: InsightOptions) => showStats(context, what, options))
}

async function showStats(context: CliContext, what: string | undefined, options: InsightOptions) {
  requireOneForm(options)
  const view = what === undefined ? undefined : VIEWS[what]
  const [times, place] = [timesOf(options), placeOf(options)]
  if (!view && Object.keys(place).length > 0) {
    throw new UsageError(
      'The overview is of the whole app: with --platform or --channel say what, such as stats active.',
    )
  }
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  if (options.csv) output.text(await api.getInsightCsv(app.id, view?.path ?? ['overview'], { ...times, ...place }))
  else if (view) await view.show(api, app.id, { ...times, ...place }, output)
  else await showOverview(api, app.id, times, output)
}

async function showOverview(api: ManagementClient, appId: string, times: WholeInsightQuery, output: Output) {
  const [overview, active, versions, reasons] = await Promise.all([
    api.getOverview(appId, times),
    api.getActiveDevices(appId, times),
    api.getVersions(appId, times),
    api.getReasons(appId, times),
  ])
  output.result({ overview, active, versions, reasons }, () => {
    renderOverview(output, overview)
    output.line('')
    output.drawn([
      `Active by ${active.bucket}  ${sparkline(
        active.points.map(({ devices }) => devices),
        { ...output.drawing, width: output.drawing.width - 20 },
      )}`,
    ])
    if (versions.now.length > 0) {
      output.line('')
      showVersions(output, versions)
    }
    if (reasons.reasons.length > 0) {
      output.line('')
      showReasons(output, reasons)
    }
  })
}

function renderOverview(output: Output, overview: Overview): void {
  const { active, checks, downloads } = overview
  output.table(
    ['active devices', 'until now', 'last full one', 'change'],
    (['day', 'week', 'month'] as const).map((period) => {
      const { devices, lastFull, trend } = active[period]
      return [period, formatNumber(devices), formatNumber(lastFull), formatTrend(trend)]
    }),
  )
  output.line('')
  output.fields({
    'known devices': formatNumber(overview.known),
    'new devices': formatNumber(overview.new),
    'gone devices': formatNumber(overview.gone),
    'checks per minute': formatNumber(checks.perMinute),
    downloads: `${formatNumber(downloads.count)}, ${formatBytes(downloads.sentBytes)}`,
    'reports dropped since the server started': formatNumber(overview.droppedSinceStart),
  })
  noteNotKept(output, overview.eventsNotKept, COUNTED_ALL_THE_SAME)
}
