import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Problem, problem } from '@hotpatch/protocol'
import { SECOND_MS, type Timers } from '../clock.ts'
import { StorageError } from '../storage/storage-error.ts'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  PROBLEM_CONTENT_TYPE,
  problemHeaders,
  renderProblem,
  renderUnexpected,
  translateOutage,
} from './problem-document.ts'

/** PostgreSQL's "character not in repertoire": the one character that it does not store. */
const NUL_IN_TEXT = '22021'
/** PostgreSQL's "query canceled": it ran longer than the server allows. */
const QUERY_CANCELED = '57014'

/** Renders every error of our own APIs, and the framework's, as RFC 9457 problem details. */
export function answerWithProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendError(problem('not-found', `There is no ${request.method} ${request.url.split('?', 1)[0]}.`), request, reply),
  )
}

/** Also for what the framework refuses before it looks for a route: an address that cannot be read. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = knownProblem(error)
  if (known && !(error instanceof Problem) && known.status >= 500) {
    request.server.log.warn(
      { err: error, reqId: request.id },
      error instanceof StorageError ? 'the artifact storage cannot be used now' : 'the database cannot be used now',
    )
  }
  if (!known) {
    request.server.log.error({ err: error, reqId: request.id }, 'request failed')
    setHeaders(reply, problemHeaders({ status: 500, extensions: {} }))
    return reply.code(500).send(renderUnexpected(request.id))
  }
  setHeaders(reply, problemHeaders(known))
  // As text: the route's own response schemas do not describe problems.
  return reply.code(known.status).send(renderProblem(known, request.id))
}

/** Undefined: a bug of ours, of which nobody outside is told anything. */
export function knownProblem(error: unknown): Problem | undefined {
  return error instanceof Problem ? error : (translateFrameworkError(error as FastifyError) ?? translateOutage(error))
}

function setHeaders(reply: FastifyReply, headers: readonly string[]): void {
  for (let index = 0; index < headers.length; index += 2) reply.header(headers[index] ?? '', headers[index + 1])
}

interface AnswersDue {
  /** The last that somebody is owed who has asked in full. */
  due: ServerResponse | undefined
  /** Of a request of which only a part has come. */
  half: ServerResponse | undefined
}

/** How long answers that are due may take before a connection is closed on which no more can be asked. */
const ANSWERS_FIRST_MS = 10 * SECOND_MS

/**
 * What is not HTTP, or took too long to become it: there is no request to answer, only a connection. Whoever asked
 * something before on it is answered first.
 */
export function refuseConnection(
  error: NodeJS.ErrnoException,
  socket: Socket,
  { requestId, due, half, timers }: { requestId: string; timers: Timers } & AnswersDue,
): void {
  // Whoever is gone needs no answer; and what cannot be read is told once, whatever comes after it.
  if (error.code === 'ECONNRESET' || socket.destroyed || refused.has(socket)) return
  refused.add(socket)
  if (!due) return endWith(error.code, socket, { requestId, half })
  socket.pause()
  const stopWaiting = timers.after(ANSWERS_FIRST_MS, () => socket.destroy())
  due.once('close', () => {
    stopWaiting()
    endWith(error.code, socket, { requestId, half })
  })
}

const refused = new WeakSet<Socket>()

function endWith(
  code: string | undefined,
  socket: Socket,
  { requestId, half }: { requestId: string; half: ServerResponse | undefined },
): void {
  // The last answer has ended it, or what came half was refused already.
  if (!socket.writable || half?.headersSent) return socket.destroySoon()
  const known = refusalOf(code)
  const body = renderProblem(known, requestId)
  const head = `content-type: ${PROBLEM_CONTENT_TYPE}\r\ncache-control: no-store\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`
  socket.write(`HTTP/1.1 ${known.status} ${STATUS_CODES[known.status]}\r\n${head}\r\n\r\n${body}`)
  // Nothing more is read: what was written is sent, and then it is closed.
  socket.destroySoon()
}

/** RFC 9110 §10.1.1: of what may be expected only 100-continue means something. */
export function expectationFailed({ headers }: IncomingMessage): Problem {
  const found = String(headers.expect).slice(0, 100)
  return problem('expectation-failed', `Expected "100-continue" in the header expect, found "${found}".`)
}

/** What the framework is not asked, as it would read the body first. */
export function answerProblem(known: Problem, response: ServerResponse, requestId: string): void {
  const body = renderProblem(known, requestId)
  const headers = [...problemHeaders(known), 'content-length', String(Buffer.byteLength(body)), 'connection', 'close']
  response.writeHead(known.status, headers).end(body)
}

function refusalOf(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problem('request-timeout', 'The request did not come to its end in time.')
    case 'HPE_INVALID_TRANSFER_ENCODING':
      return problem('invalid-request', 'Expected a body with its length, or "transfer-encoding: chunked" alone.')
    case 'HPE_HEADER_OVERFLOW':
      return problem('body-too-large', 'The headers are too large.')
    default:
      return problem('invalid-request', 'Expected HTTP/1.1, found something else.')
  }
}

function translateFrameworkError(error: FastifyError): Problem | undefined {
  if (error.validation) {
    const place = error.validationContext ?? 'body'
    const errors = error.validation.map(({ instancePath, message, params }) => ({
      pointer: `#${instancePath}`,
      detail: [message ?? 'not valid', ...describeParams(params)].join(' '),
    }))
    const first = errors[0]
    const detail = first ? `${place}${first.pointer.slice(1)}: ${first.detail}` : error.message
    return problem('invalid-request', detail, { errors })
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
    case 'FST_REQ_FILE_TOO_LARGE':
      return problem('body-too-large', error.message)
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_INVALID_MULTIPART_CONTENT_TYPE':
      return problem('unsupported-media-type', error.message)
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return problem('malformed-json', 'Expected JSON, found an empty body.')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_INVALID_JSON_FIELD_ERROR':
      return problem('malformed-json', error.message)
    case NUL_IN_TEXT:
      return problem('invalid-request', 'Expected text without NUL characters.')
    case QUERY_CANCELED:
      return problem('unavailable', 'The query took too long and was given up. Ask for a shorter time.')
    default:
  }
  if (error instanceof SyntaxError) return problem('malformed-json', error.message)
  // What the framework blames on the request: a broken multipart body, a bad content length.
  const status = error.statusCode
  if (status !== undefined && status >= 400 && status < 500) return problem('invalid-request', error.message)
  return undefined
}

function describeParams(params: Record<string, unknown>): string[] {
  if (Array.isArray(params.allowedValues)) return [`(${params.allowedValues.join(', ')})`]
  return typeof params.additionalProperty === 'string' ? [`("${params.additionalProperty}")`] : []
}
