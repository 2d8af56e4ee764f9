import { Device, DeviceFilter, DeviceId, DeviceWithEvents, PageQuery, pageOf, TimelinePage } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { identifiedApp } from './device-identity.ts'
import { AppParams, type ResolveApp } from '../../people/authors/resolve-app.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { DeviceService } from './device-service.ts'

const DeviceParams = Type.Object({ ...AppParams.properties, deviceId: DeviceId })

export function deviceRoutes({
  devices,
  resolveApp,
}: {
  devices: DeviceService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/devices',
      {
        config: { access: 'devices:read' },
        schema: {
          tags: ['devices'],
          summary: 'Devices, last seen first; those found by the beginning of their id, in the order of their ids',
          description:
            'A page looks at a bounded number of devices: while nextCursor is not null, a page may be shorter than ' +
            'its limit, or empty, and there may be more.',
          params: AppParams,
          querystring: Type.Object({ ...DeviceFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(Device) },
        },
      },
      async (request) => {
        const { cursor: _, limit: __, ...filter } = request.query
        const found = await resolveApp(request, request.params.app)
        return devices.list(identifiedApp(found), filter, request.query)
      },
    )

    app.get(
      '/apps/:app/devices/:deviceId',
      {
        config: { access: 'devices:read' },
        schema: {
          tags: ['devices'],
          summary: 'A device and what it reported, newest first',
          params: DeviceParams,
          response: { 200: DeviceWithEvents },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return devices.get(identifiedApp(found), request.params.deviceId)
      },
    )

    app.get(
      '/apps/:app/devices/:deviceId/timeline',
      {
        config: { access: 'devices:read' },
        schema: {
          tags: ['devices'],
          summary: 'What happened to a device, newest first',
          description: 'Of its checks only the last is kept, with its decision and the reason.',
          params: DeviceParams,
          querystring: PageQuery,
          response: { 200: TimelinePage },
        },
      },
      async (request) => {
        const found = await resolveApp(request, request.params.app)
        return devices.timeline(identifiedApp(found), request.params.deviceId, request.query)
      },
    )

    app.delete(
      '/apps/:app/devices/:deviceId',
      {
        config: { access: 'devices:forget' },
        schema: {
          tags: ['devices'],
          summary: 'Forgets a device: it, what it reported, its failures and memberships; if it checks again it is new',
          params: DeviceParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        await devices.forget(identifiedApp(found), request.params.deviceId, authorOf(request))
        return reply.code(204).send(null)
      },
    )
  }
}
