import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { AccessService } from '../../people/access/access-service.ts'
import type { DeviceLimits } from '../../ground/http/device-limits.ts'

const Secret = Type.String({ minLength: 1, maxLength: 4096 })
const TokenPair = Type.Object({
  accessToken: Type.String(),
  refreshToken: Type.String(),
  tokenType: Type.Literal('Bearer'),
  expiresIn: Type.Integer({ description: 'In seconds' }),
})

/** React Native §7: API tokens for access tokens. */
export function reactNativeAuthRoutes({
  access,
  limits,
}: {
  access: AccessService
  limits: DeviceLimits
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    // Guessing 256 bits is hopeless; trying is work for the database all the same.
    app.addHook('onRequest', (request, _reply, done) => {
      limits.admitAddress(request.ip)
      done()
    })

    app.post(
      '/auth/token',
      {
        config: { access: 'public' },
        schema: {
          body: Type.Object({ apiKey: Type.Optional(Secret), api_key: Type.Optional(Secret) }),
          response: { 200: TokenPair },
        },
      },
      async (request) => {
        const apiKey = request.body.apiKey ?? request.body.api_key
        if (apiKey === undefined) throw problem('invalid-request', 'Expected apiKey with an API token, found none.')
        return access.exchange(apiKey, request.ip)
      },
    )

    app.post(
      '/auth/refresh',
      {
        config: { access: 'public' },
        schema: {
          body: Type.Object({ refreshToken: Type.Optional(Secret), refresh_token: Type.Optional(Secret) }),
          response: { 200: TokenPair },
        },
      },
      async (request) => {
        const refreshToken = request.body.refreshToken ?? request.body.refresh_token
        if (refreshToken === undefined) throw problem('invalid-request', 'Expected refreshToken, found none.')
        return access.refresh(refreshToken, request.ip)
      },
    )
  }
}
