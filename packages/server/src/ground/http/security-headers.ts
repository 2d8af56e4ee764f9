import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Devices fetch it, and get what they ever got: what browsers are told is none of their business. */
    isForDevices?: boolean
  }
}

/** What no page of ours uses, and nothing that gets into one is to have. */
const FEATURES = [
  'accelerometer',
  'browsing-topics',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'serial',
  'usb',
]

/** Of every answer that people get. A page says in its own policy what else it needs, and a file how long it may be kept. */
const HEADERS = Object.entries({
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  // For browsers that do not know frame-ancestors.
  'x-frame-options': 'DENY',
  // Addresses of ours may have a pass in them, or the name of an app that nobody else knows of.
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': FEATURES.map((feature) => `${feature}=()`).join(', '),
  'cache-control': 'no-store',
})

/** Of this host only: what else there is below its domain is not ours. */
const HTTPS_ONLY = 'max-age=31536000'

/**
 * Straight on the response: they are there on what is written past the framework, too, and give way to what a route says.
 * @param publicUrl as the server was told: behind a proxy that says nothing of itself, requests look like http
 */
export function addSecurityHeaders(app: FastifyInstance, publicUrl: string | null): void {
  const isPublicHttps = publicUrl?.startsWith('https:') ?? false
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.config.isForDevices) {
      setSecurityHeaders(reply.raw)
      if (isPublicHttps || isHttps(request)) reply.raw.setHeader('strict-transport-security', HTTPS_ONLY)
    }
    done()
  })
}

/** By itself for what the framework refuses before any hook is called. */
export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of HEADERS) response.setHeader(name, value)
}

/** As a trusted proxy tells it. */
function isHttps({ protocol }: FastifyRequest): boolean {
  return protocol.toLowerCase() === 'https'
}
