import {
  ActiveDevices,
  Adoption,
  Checks,
  Downloads,
  ExperimentResults,
  InsightQuery,
  Overview,
  Reasons,
  ReleaseFigures,
  ReleaseFiguresQuery,
  ReleaseHealth,
  RolloutHealth,
  VersionDistribution,
  WholeInsightQuery,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type, type Static, type TSchema } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { writeCsv, type CsvTable } from './csv.ts'
import type { InsightService } from './insight-service.ts'
import {
  activeTable,
  adoptionTable,
  checksTable,
  downloadsTable,
  experimentTable,
  healthTable,
  overviewTable,
  reasonsTable,
  rolloutHealthTable,
  versionsTable,
} from './insight-tables.ts'

interface Insight<Answer extends TSchema> {
  path: string
  summary: string
  /** Whether it can be asked of one platform or channel. */
  hasPlaces: boolean
  answer: Answer
  read(appId: string, query: InsightQuery, id: string): Promise<Static<Answer>>
  table(answer: Static<Answer>): CsvTable
}

/** Questions about a fleet, for readers: JSON, or CSV of the same. */
export function insightRoutes({
  insights,
  resolveApp,
}: {
  insights: InsightService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    const add = <Answer extends TSchema>(insight: Insight<Answer>) => addInsight(app, resolveApp, insight)
    add({
      path: 'overview',
      hasPlaces: false,
      summary: 'The fleet now: active, known, new and gone devices, checks and downloads',
      answer: Overview,
      read: insights.overview,
      table: overviewTable,
    })
    add({
      path: 'active',
      hasPlaces: true,
      summary: 'Active devices over time',
      answer: ActiveDevices,
      read: insights.active,
      table: activeTable,
    })
    add({
      path: 'versions',
      hasPlaces: true,
      summary: 'What devices run, now and over time',
      answer: VersionDistribution,
      read: insights.versions,
      table: versionsTable,
    })
    add({
      path: 'rollouts/:id/adoption',
      hasPlaces: false,
      summary: 'How a rollout spreads, and how devices fare with it',
      answer: Adoption,
      read: (appId, query, id) => insights.adoption(appId, id, query),
      table: adoptionTable,
    })
    add({
      path: 'rollouts/:id/health',
      hasPlaces: false,
      summary: 'How devices fare with a rollout over time, with 95 % intervals',
      answer: RolloutHealth,
      read: (appId, query, id) => insights.healthOverTime(appId, id, query),
      table: rolloutHealthTable,
    })
    add({
      path: 'releases/health',
      hasPlaces: true,
      summary: 'How releases do: success, failure, roll-back and crash rates with their 95 % intervals',
      answer: ReleaseHealth,
      read: insights.health,
      table: healthTable,
    })
    add({
      path: 'downloads',
      hasPlaces: true,
      summary: 'What was downloaded, and what patches saved',
      answer: Downloads,
      read: insights.downloads,
      table: downloadsTable,
    })
    add({
      path: 'checks',
      hasPlaces: true,
      summary: 'Checks per minute over time',
      answer: Checks,
      read: insights.checks,
      table: checksTable,
    })
    add({
      path: 'reasons',
      hasPlaces: true,
      summary: 'Why checks were answered with no update, most frequent first',
      answer: Reasons,
      read: insights.reasons,
      table: reasonsTable,
    })
    add({
      path: 'experiments/:id',
      hasPlaces: false,
      summary: 'The arms of a test side by side',
      answer: ExperimentResults,
      read: (appId, _query, id) => insights.experiment(appId, id),
      table: experimentTable,
    })

    app.get(
      '/apps/:app/insights/releases/figures',
      {
        config: { access: 'insights:read' },
        schema: {
          tags: ['insights'],
          summary: 'How releases of one kind of content have done since they were placed',
          params: AppParams,
          querystring: ReleaseFiguresQuery,
          response: { 200: ReleaseFigures },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        const { kind, ...place } = request.query
        const figures = await insights.releasesOf(found.id, kind, place)
        return { releases: figures.map(({ id: releaseId, ...each }) => ({ releaseId, ...each })) }
      },
    )
  }
}

function addInsight<Answer extends TSchema>(
  app: FastifyInstance,
  resolveApp: ResolveApp,
  { path, summary, hasPlaces, answer, read, table }: Insight<Answer>,
): void {
  const hasId = path.includes(':id')
  app.get<{ Params: { app: string; id?: string }; Querystring: InsightQuery }>(
    `/apps/:app/insights/${path}`,
    {
      config: { access: 'insights:read' },
      schema: {
        tags: ['insights'],
        summary,
        params: hasId ? Type.Object({ ...AppParams.properties, id: Type.String() }) : AppParams,
        querystring: hasPlaces ? InsightQuery : WholeInsightQuery,
        response: { 200: answer },
      },
    },
    async (request, reply) => {
      const found = await resolveApp(request, request.params.app)
      const result = await read(found.id, request.query, request.params.id ?? '')
      if (!wantsCsv(request)) return result
      const name = path.replace('/:id', '').replaceAll('/', '-')
      reply.header('content-type', 'text/csv; charset=utf-8; header=present')
      reply.header('content-disposition', `attachment; filename="${found.slug}-${name}.csv"`)
      return writeCsv(table(result))
    },
  )
}

function wantsCsv({ query, headers }: FastifyRequest<{ Querystring: InsightQuery }>): boolean {
  if (query.format !== undefined) return query.format === 'csv'
  return headers.accept?.includes('text/csv') ?? false
}
