import { Device, DeviceFilter, DeviceId, DeviceWithEvents, PageQuery, pageOf } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { AppParams, type ResolveApp } from '../apps/resolve-app.ts'
import type { FleetService } from './fleet-service.ts'

export function fleetRoutes({
  fleet,
  resolveApp,
}: {
  fleet: FleetService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/apps/:app/devices',
      {
        config: { access: 'reader' },
        schema: {
          tags: ['devices'],
          summary: 'Devices, last seen first',
          params: AppParams,
          querystring: Type.Object({ ...DeviceFilter.properties, ...PageQuery.properties }),
          response: { 200: pageOf(Device) },
        },
      },
      async (request) => {
        const { id } = await resolveApp(request, request.params.app)
        return fleet.listDevices(id, request.query, request.query)
      },
    )

    app.get(
      '/apps/:app/devices/:deviceId',
      {
        config: { access: 'reader' },
        schema: {
          tags: ['devices'],
          summary: 'A device and what it reported, newest first',
          params: Type.Object({ ...AppParams.properties, deviceId: DeviceId }),
          response: { 200: DeviceWithEvents },
        },
      },
      async (request) => {
        const { id } = await resolveApp(request, request.params.app)
        return fleet.getDevice(id, request.params.deviceId)
      },
    )
  }
}
