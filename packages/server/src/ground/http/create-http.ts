import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Problem } from '@hotpatch/protocol'
import Fastify, { LogController, type FastifyInstance } from 'fastify'
import { MINUTE_MS, type Timers } from '../clock.ts'
import type { LogStream } from '../log.ts'
import { createClientOrigins, type ClientOrigins } from './client-origin.ts'
import { compileOnFirstUse } from './compile-schemas.ts'
import { gatherRegistration } from './gather-registration.ts'
import {
  CONNECTION_LIMITS,
  guardConnections,
  type ConnectionGuard,
  type ConnectionLimits,
} from './guard-connections.ts'
import { createIsTrusted, type TrustedProxies } from './trusted-proxies.ts'
import { setSecurityHeaders } from './security-headers.ts'
import { takeJson } from './take-json.ts'
import {
  answerProblem,
  answerWithProblems,
  expectationFailed,
  refuseConnection,
  sendError,
} from './problem-response.ts'

const MAX_BODY_BYTES = 1024 * 1024
const MAX_PARAM_LENGTH = 1024
/**
 * A connection on which nothing moves for so long is closed, unless the server itself is at work on what was asked. Uploads
 * and downloads may take longer as a whole.
 */
const IDLE_TIMEOUT_MS = MINUTE_MS
const HEADERS_TIMEOUT_MS = 15_000
/** How often headers are looked at. Bodies are looked at by the guard of connections, whole requests by nobody. */
const HEADERS_CHECK_MS = 5_000
const MAX_HEADER_BYTES = 16 * 1024

const SERVER_OPTIONS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  connectionsCheckingInterval: HEADERS_CHECK_MS,
  maxHeaderSize: MAX_HEADER_BYTES,
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
}

declare module 'fastify' {
  interface FastifyInstance {
    connections: ConnectionGuard
  }
}

/** Serves people with the framework and devices without it, by one server. */
export interface Http {
  app: FastifyInstance
  newRequestId: () => string
  origins: ClientOrigins
  /** What looks at each request first, and takes those that are its own. */
  putInFront(take: TakeRequest): void
  /** Answers one request, of whatever kind: without a socket, too. */
  handle: (request: IncomingMessage, response: ServerResponse) => void
}

/**
 * Returns false for what it leaves to the framework.
 * @param refusal what is to be answered, in the form of whom it is for
 */
export type TakeRequest = (request: IncomingMessage, response: ServerResponse, refusal?: Problem) => boolean

/** What the HTTP server itself is told. */
export interface HttpSettings {
  http: { trustedProxies: TrustedProxies }
  connections: Pick<ConnectionLimits, 'maxConnections' | 'maxPerAddress'>
  logLevel: string
}

/**
 * The HTTP server, bare: its limits, its validation and its way of saying no.
 * @param stream where the log goes; to stdout when there is none
 */
export function createHttp(config: HttpSettings, newId: () => string, timers: Timers, stream?: LogStream): Http {
  const isTrusted = createIsTrusted(config.http.trustedProxies)
  const newRequestId = createRequestIds(newId())
  const schemas = compileOnFirstUse()
  let takeFirst: TakeRequest = () => false
  const app = Fastify({
    serverFactory: (serve) => {
      const server = createServer(SERVER_OPTIONS, (request, response) => {
        if (!takeFirst(request, response)) serve(request, response)
      })
      server.on('checkExpectation', (request, response) => {
        const refusal = expectationFailed(request)
        if (!takeFirst(request, response, refusal)) answerProblem(refusal, response, newRequestId())
      })
      server.setTimeout(IDLE_TIMEOUT_MS)
      return server
    },
    logger: {
      level: config.logLevel,
      redact: ['req.headers.authorization', 'req.headers["x-app-key"]'],
      ...(stream && { stream }),
    },
    genReqId: newRequestId,
    frameworkErrors: (error, request, reply) => {
      setSecurityHeaders(reply.raw)
      sendError(error, request, reply)
    },
    clientErrorHandler: (error, socket) =>
      refuseConnection(error, socket, { requestId: newId(), ...connections.answersDue(socket), timers }),
    // Without proxies the framework does not even look for their headers.
    trustProxy: config.http.trustedProxies.kind === 'none' ? false : isTrusted,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    schemaController: schemas.schemaController,
    // One line a request, when it is done: see request-log.ts.
    logController: new LogController({ disableRequestLogging: true }),
  })
  gatherRegistration(app)
  schemas.decorate(app)
  // Fastify would take text as a body: nothing here does.
  app.removeContentTypeParser('text/plain')
  takeJson(app)
  answerWithProblems(app)
  const { kind } = config.http.trustedProxies
  const connections = guardConnections({
    server: app.server,
    limits: { ...CONNECTION_LIMITS, ...config.connections },
    timers,
    // A number of proxies does not say who they are.
    isProxy: kind === 'none' ? () => false : (address) => isTrusted(address, 0),
  })
  app.decorate('connections', connections)
  return {
    app,
    newRequestId,
    origins: createClientOrigins(config.http.trustedProxies, isTrusted),
    putInFront: (take) => {
      takeFirst = take
    },
    handle: (request, response) => {
      if (!takeFirst(request, response)) app.routing(request, response)
    },
  }
}

/** Unique among servers by their start, and in order within one: an id for each request of its own would cost microseconds. */
function createRequestIds(start: string): () => string {
  let count = 0
  return () => `${start}-${(count += 1)}`
}
