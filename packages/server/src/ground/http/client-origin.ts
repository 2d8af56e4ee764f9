import type { IncomingMessage } from 'node:http'
import proxyAddr from '@fastify/proxy-addr'
import type { RequestOrigin } from './public-url.ts'
import type { IsTrustedProxy, TrustedProxies } from './trusted-proxies.ts'

/** Who asks and where: what a bare request says of it, as far as trusted proxies vouch for that. */
export interface ClientOrigins {
  addressOf(request: IncomingMessage): string
  originOf(request: IncomingMessage): RequestOrigin
}

/** The same as the framework says of the requests that it serves. */
export function createClientOrigins({ kind }: TrustedProxies, isTrusted: IsTrustedProxy): ClientOrigins {
  const scheme = ({ socket }: IncomingMessage) =>
    'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
  if (kind === 'none') {
    return {
      addressOf: ({ socket }) => socket.remoteAddress ?? '',
      originOf: (request) => ({
        host: request.headers.host ?? '',
        protocol: scheme(request),
        socket: request.socket,
      }),
    }
  }

  function forwarded(request: IncomingMessage, name: 'x-forwarded-host' | 'x-forwarded-proto'): string | undefined {
    const value = request.headers[name]
    if (typeof value !== 'string' || value === '') return undefined
    return isTrusted(request.socket.remoteAddress, 0) ? value.slice(value.lastIndexOf(',') + 1).trim() : undefined
  }

  return {
    addressOf: (request) => (request.socket.remoteAddress === undefined ? '' : proxyAddr(request, isTrusted)),
    originOf: (request) => ({
      host: forwarded(request, 'x-forwarded-host') ?? request.headers.host ?? '',
      protocol: forwarded(request, 'x-forwarded-proto') ?? scheme(request),
      socket: request.socket,
    }),
  }
}
