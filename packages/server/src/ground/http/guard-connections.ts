import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { SECOND_MS, type Timers } from '../clock.ts'
import { addressPrefix } from './address-prefix.ts'

export interface ConnectionLimits {
  /** Of all clients together. */
  maxConnections: number
  /** Of one address; not of a trusted proxy, behind which all clients are. */
  maxPerAddress: number
  /** How long a body may take before its rate is looked at. */
  graceSeconds: number
  /** The same for whoever reads an answer: the system takes a lot of it at once, and then nothing for long. */
  readerGraceSeconds: number
  /** What a body, and the reader of an answer, must bring on average after that. */
  minBytesPerSecond: number
  /** An upload is looked at in windows of so many seconds: it may be long, not idle. */
  uploadWindowSeconds: number
  /** How long the answer to a whole request may take to begin, as of an upload that is unpacked, checked and stored. */
  workSeconds: number
}

export const CONNECTION_LIMITS = {
  graceSeconds: 10,
  readerGraceSeconds: 60,
  minBytesPerSecond: 512,
  uploadWindowSeconds: 30,
  workSeconds: 3_600,
}

/** After an answer that came before the body's end: what is left of the body is not waited for. */
const REST_SECONDS = 5

interface Connection {
  address: string
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** Of the request before, when it came while that one had no answer yet. */
  answerBefore: ServerResponse | undefined
  isUpload: boolean
  /** `bytesRead` and `bytesWritten` of the socket, at the beginning of the request or window. */
  readBefore: number
  sentBefore: number
  /** Seconds in which the server waited for the client's body, and for the client to read. By ticks: clocks are set. */
  bodySeconds: number
  readerSeconds: number
  restSeconds: number
  /** In which the server was at work on a whole request, and had said nothing. */
  workSeconds: number
}

export type ConnectionGuard = ReturnType<typeof guardConnections>

/**
 * Bounds the number of connections, in all and of one address, and cuts those that hold one for nothing: bodies that
 * drip, answers that are not read. What stands still while the server itself is at work is not idle. One look a second at all of them; a request costs a few assignments.
 *
 * When there is one too many, one that is idle is closed instead: a keep-alive connection can be opened again.
 *
 * @param isProxy whose connections are not counted by address
 */
export function guardConnections({
  server,
  limits,
  timers,
  isProxy,
}: {
  server: Server
  limits: ConnectionLimits
  timers: Timers
  isProxy: (address: string) => boolean
}) {
  const { maxConnections, maxPerAddress, minBytesPerSecond, uploadWindowSeconds } = limits
  const connections = new Map<Socket, Connection>()
  const byAddress = new Map<string, Set<Socket>>()
  const counts = { refusedConnections: 0, closedIdle: 0, slowBodies: 0, slowReaders: 0, slowAnswers: 0 }
  let isLooking = false
  // No idle one was found among all of them: looking again for each that comes would be what an attacker wants.
  let isCrowded = false

  server.on('connection', (socket: Socket) => admit(socket))
  server.on('timeout', (socket: Socket) => {
    const connection = connections.get(socket)
    if (!connection || !isServersTurn(connection)) socket.destroy()
  })
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => begin(request, response))
  server.prependListener('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    begin(request, response),
  )

  function admit(socket: Socket): void {
    const { remoteAddress = '' } = socket
    const address = isProxy(remoteAddress) ? '' : addressPrefix(remoteAddress)
    const ofAddress = address === '' ? undefined : (byAddress.get(address) ?? new Set())
    const isRoom =
      (connections.size < maxConnections || makeRoom()) &&
      (!ofAddress || ofAddress.size < maxPerAddress || closeIdle(ofAddress))
    if (!isRoom) {
      counts.refusedConnections++
      socket.destroy()
      return
    }
    connections.set(socket, {
      address,
      request: undefined,
      response: undefined,
      answerBefore: undefined,
      isUpload: false,
      readBefore: 0,
      sentBefore: 0,
      bodySeconds: 0,
      readerSeconds: 0,
      restSeconds: 0,
      workSeconds: 0,
    })
    if (ofAddress) byAddress.set(address, ofAddress.add(socket))
    if (!isLooking) look()
    socket.once('close', () => forget(socket))
  }

  function forget(socket: Socket): void {
    const connection = connections.get(socket)
    if (!connection) return
    connections.delete(socket)
    const ofAddress = byAddress.get(connection.address)
    ofAddress?.delete(socket)
    if (ofAddress?.size === 0) byAddress.delete(connection.address)
  }

  function makeRoom(): boolean {
    if (isCrowded) return false
    isCrowded = !closeIdle(connections.keys())
    return !isCrowded
  }

  /** The one that has been open the longest. @returns false when none is idle */
  function closeIdle(sockets: Iterable<Socket>): boolean {
    for (const socket of sockets) {
      const connection = connections.get(socket)
      if (!connection || !isIdle(connection)) continue
      counts.closedIdle++
      forget(socket)
      socket.destroy()
      return true
    }
    return false
  }

  function begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const connection = connections.get(socket)
    if (!connection) return
    connection.answerBefore = connection.response
    connection.request = request
    connection.response = response
    connection.isUpload = false
    connection.bodySeconds = connection.readerSeconds = connection.restSeconds = connection.workSeconds = 0
    connection.readBefore = socket.bytesRead
    connection.sentBefore = sentOf(socket)
  }

  /**
   * The last answer that is due to somebody who has asked in full, and that of a request that has come half. Requests of one connection come one after the other:
   * all but the newest are whole, and answers are written in their order.
   */
  function answersDue(socket: Socket): { due: ServerResponse | undefined; half: ServerResponse | undefined } {
    const { request, response, answerBefore } = connections.get(socket) ?? {}
    const last = request?.complete ? response : answerBefore
    const due = last && !last.writableFinished && !last.destroyed ? last : undefined
    return { due, half: request?.complete ? undefined : response }
  }

  /** From here on a body may take long, as long as it goes on: whoever sends it was let in. */
  function expectUpload({ socket }: IncomingMessage): void {
    const connection = connections.get(socket)
    if (connection) connection.isUpload = true
  }

  function look(): void {
    // A timer would keep a process alive that serves nobody.
    isLooking = connections.size > 0
    if (!isLooking) return
    timers.after(SECOND_MS, () => {
      isCrowded = false
      for (const [socket, connection] of connections) lookAt(socket, connection)
      look()
    })
  }

  function lookAt(socket: Socket, connection: Connection): void {
    const { request, response } = connection
    if (!request || !response) return
    if (!request.complete) lookAtBody(socket, connection, request, response)
    else if (response.writableFinished || response.destroyed) {
      // Idle connections keep no request in memory.
      connection.request = connection.response = connection.answerBefore = undefined
    } else if (socket.writableLength > 0) lookAtReader(socket, connection)
    else if (!response.headersSent && ++connection.workSeconds >= limits.workSeconds) cut(socket, 'slowAnswers')
  }

  function lookAtBody(socket: Socket, connection: Connection, request: IncomingMessage, response: ServerResponse) {
    if (response.writableFinished) {
      if (++connection.restSeconds >= REST_SECONDS) cut(socket, 'slowBodies')
      return
    }
    // What has come and was not read yet: it is this server that is slow.
    if (request.readableLength > 0) return
    const seconds = ++connection.bodySeconds
    const received = socket.bytesRead - connection.readBefore
    if (connection.isUpload) {
      if (seconds < uploadWindowSeconds) return
      if (received < uploadWindowSeconds * minBytesPerSecond) return cut(socket, 'slowBodies', response)
      connection.bodySeconds = 0
      connection.readBefore = socket.bytesRead
    } else if (received < (seconds - limits.graceSeconds) * minBytesPerSecond) cut(socket, 'slowBodies', response)
  }

  /** Bytes count when the system has taken them: it takes more when the reader has taken some. */
  function lookAtReader(socket: Socket, connection: Connection): void {
    const seconds = ++connection.readerSeconds
    const sent = sentOf(socket) - connection.sentBefore
    if (sent < (seconds - limits.readerGraceSeconds) * minBytesPerSecond) cut(socket, 'slowReaders')
  }

  function cut(socket: Socket, kind: 'slowBodies' | 'slowReaders' | 'slowAnswers', response?: ServerResponse): void {
    counts[kind]++
    forget(socket)
    // Whoever waits for an answer gets one, and is closed with it.
    if (response && !response.headersSent) server.emit('clientError', timeoutError(), socket)
    else socket.destroy()
  }

  return {
    answersDue,
    expectUpload,
    counters: () => ({ connections: connections.size, ...counts }),
  }
}

function timeoutError(): Error {
  return Object.assign(new Error('The body came too slowly.'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
}

function sentOf(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength
}

/** What is asked has not begun to be answered, or what has come of it was not read yet. */
function isServersTurn({ request, response }: Connection): boolean {
  if (!request || !response || response.headersSent) return false
  return request.complete || request.readableLength > 0
}

/** Nothing was asked that is not answered, and nothing half asked. */
function isIdle({ request, response }: Connection): boolean {
  if (!request || !response) return true
  return request.complete && response.writableFinished
}
