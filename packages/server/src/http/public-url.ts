import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'

/** Answers carry absolute addresses: on HOTPATCH_PUBLIC_URL, else on the host that the request named. */
export type PublicUrl = (request: FastifyRequest) => string

/** A name or an address, and a port: a client can put anything into its Host header, or with HTTP/1.0 nothing. */
const HOST = /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/

export function createPublicUrl(configured: string | null): PublicUrl {
  if (configured !== null) return () => configured
  return ({ protocol, host }) => {
    if (HOST.test(host)) return `${protocol}://${host}`
    throw problem('invalid-request', 'Host: expected the name and port of this server.')
  }
}

export function artifactUrl(publicUrl: string, sha256: string): string {
  return `${publicUrl}/artifacts/${sha256}`
}
