import type { Readable } from 'node:stream'
import {
  Cohort,
  CohortChanges,
  CohortDevice,
  CohortDevices,
  CohortName,
  CohortRollout,
  NewCohort,
  pageOf,
  PageQuery,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { CohortService } from './cohort-service.ts'
import { readDeviceIdsFromCsv } from './read-csv.ts'

const CohortParams = Type.Object({ ...AppParams.properties, cohort: CohortName })
const CSV_HINT = 'With the content type text/csv: a file with a device id in the first column of each line.'

export function cohortRoutes({
  cohorts,
  resolveApp,
}: {
  cohorts: CohortService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    // What a CSV file holds arrives as if it had been sent as JSON.
    app.addContentTypeParser('text/csv', async (request: FastifyRequest, file: Readable) => {
      const devices = await readDeviceIdsFromCsv(file)
      return request.method === 'PUT' ? { devices } : { add: devices }
    })

    app.get(
      '/apps/:app/cohorts',
      {
        config: { access: 'cohorts:read' },
        schema: { tags: ['cohorts'], summary: 'Cohorts by name', params: AppParams, response: { 200: pageOf(Cohort) } },
      },
      async (request) => cohorts.list(await resolveApp(request, request.params.app)),
    )

    app.post(
      '/apps/:app/cohorts',
      {
        config: { access: 'cohorts:change' },
        schema: {
          tags: ['cohorts'],
          summary: 'Makes a cohort',
          params: AppParams,
          body: NewCohort,
          response: { 201: Cohort },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        return reply.code(201).send(await cohorts.create(found, request.body, authorOf(request)))
      },
    )

    app.get(
      '/apps/:app/cohorts/:cohort',
      {
        config: { access: 'cohorts:read' },
        schema: { tags: ['cohorts'], summary: 'A cohort', params: CohortParams, response: { 200: Cohort } },
      },
      async (request) => cohorts.get(await resolveApp(request, request.params.app), request.params.cohort),
    )

    app.delete(
      '/apps/:app/cohorts/:cohort',
      {
        config: { access: 'cohorts:change' },
        schema: {
          tags: ['cohorts'],
          summary: 'Deletes a cohort that no rollout in force names',
          params: CohortParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        await cohorts.remove(found, request.params.cohort, authorOf(request))
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/apps/:app/cohorts/:cohort/rollouts',
      {
        config: { access: 'cohorts:read' },
        schema: {
          tags: ['cohorts'],
          summary: 'Rollouts that name a cohort and have not ended, newest first',
          params: CohortParams,
          response: { 200: pageOf(CohortRollout) },
        },
      },
      async (request) => cohorts.listRollouts(await resolveApp(request, request.params.app), request.params.cohort),
    )

    app.get(
      '/apps/:app/cohorts/:cohort/devices',
      {
        config: { access: 'cohorts:read' },
        schema: {
          tags: ['cohorts'],
          summary: 'Who is in a cohort',
          params: CohortParams,
          querystring: PageQuery,
          response: { 200: pageOf(CohortDevice) },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return cohorts.listDevices(found, request.params.cohort, request.query)
      },
    )

    app.post(
      '/apps/:app/cohorts/:cohort/devices',
      {
        config: { access: 'cohorts:change' },
        schema: {
          tags: ['cohorts'],
          summary: 'Takes devices in, or leaves them out',
          description: CSV_HINT,
          params: CohortParams,
          body: CohortChanges,
          response: { 200: Cohort },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return cohorts.changeMembers(found, request.params.cohort, request.body, authorOf(request))
      },
    )

    app.put(
      '/apps/:app/cohorts/:cohort/devices',
      {
        config: { access: 'cohorts:change' },
        schema: {
          tags: ['cohorts'],
          summary: 'Makes the list of devices anew',
          description: CSV_HINT,
          params: CohortParams,
          body: CohortDevices,
          response: { 200: Cohort },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        const changes = { add: request.body.devices, replace: true }
        return cohorts.changeMembers(found, request.params.cohort, changes, authorOf(request))
      },
    )
  }
}
