import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A generator of HTTP requests on raw sockets: it must be much faster than what it measures. */
export interface Load {
  /** As many as the server takes: each connection sends its next request when it has the answer to the last. */
  saturate(durationMs: number): Promise<Throughput>
  /**
   * So many a second, whatever the server does. Latencies count from when a request was due: one that had to wait for
   * a connection, or for this process, waited (no coordinated omission).
   */
  pace(ratePerSecond: number, durationMs: number): Promise<Float64Array>
  /** So many requests, as fast as the server takes them. */
  send(count: number): Promise<Throughput>
  close(): void
}

export interface Throughput {
  answers: number
  perSecond: number
  /** Share of the time in which this process was busy. Near 1, it measures itself. */
  generatorBusy: number
}

interface Connection {
  socket: Socket
  /** What came of an answer that is not complete. */
  received: Buffer | undefined
  onAnswer: (() => void) | undefined
}

const GRACE_MS = 20_000
const GOOD = Buffer.from('HTTP/1.1 200 ')
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)\r\n/i

/** @param makeRequest the next request, whole; a text as latin1 */
export async function openLoad(options: {
  port: number
  connections: number
  makeRequest: () => string | Buffer
}): Promise<Load> {
  const { port, makeRequest } = options
  let failure: Error | undefined
  let onFailure: ((error: Error) => void) | undefined
  let isClosed = false
  /** Of the last answer that was read: the next one of that length, which is whole, needs no reading. */
  let usualBytes = 0
  const connections = await Promise.all(Array.from({ length: options.connections }, () => open()))

  async function open(): Promise<Connection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    const connection: Connection = { socket, received: undefined, onAnswer: undefined }
    socket.on('data', (chunk) => receive(connection, chunk))
    socket.on('error', fail)
    socket.on('close', () => fail(new Error(`The server on port ${port} closed a connection.`)))
    return connection
  }

  function fail(error: Error): void {
    if (isClosed) return
    failure ??= error
    onFailure?.(failure)
  }

  function receive(connection: Connection, chunk: Buffer): void {
    const isUsual = chunk.length === usualBytes && connection.received === undefined && isGood(chunk)
    if (isUsual || isWholeAnswer(connection, chunk)) connection.onAnswer?.()
  }

  function isWholeAnswer(connection: Connection, chunk: Buffer): boolean {
    const bytes = connection.received ? Buffer.concat([connection.received, chunk]) : chunk
    const headEnd = bytes.indexOf('\r\n\r\n')
    const head = headEnd === -1 ? '' : bytes.toString('latin1', 0, headEnd + 2)
    const length = Number(CONTENT_LENGTH.exec(head)?.[1] ?? -1)
    const missing = headEnd === -1 ? 1 : headEnd + 4 + length - bytes.length
    connection.received = missing > 0 ? bytes : undefined
    if (missing > 0) return false
    if (missing < 0 || !isGood(bytes)) {
      fail(new Error(`Expected one whole answer with status 200, received:\n${bytes.toString('latin1', 0, 1000)}`))
      return false
    }
    usualBytes = bytes.length
    return true
  }

  function send(connection: Connection): void {
    const request = makeRequest()
    if (typeof request === 'string') connection.socket.write(request, 'latin1')
    else connection.socket.write(request)
  }

  /** Resolves when `run` calls done; rejects at the first answer that is not as it must be, and when it takes too long. */
  function bounded<Result>(limitMs: number, run: (done: (result: Result) => void) => void): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (failure) return reject(failure)
      const late = () => fail(new Error(`The server on port ${port} left requests unanswered for ${GRACE_MS} ms.`))
      const timer = setTimeout(late, limitMs)
      const settle = () => {
        clearTimeout(timer)
        onFailure = undefined
        for (const connection of connections) connection.onAnswer = undefined
      }
      onFailure = (error) => {
        settle()
        reject(error)
      }
      run((result) => {
        settle()
        resolve(result)
      })
    })
  }

  function saturate(durationMs: number): Promise<Throughput> {
    return bounded(durationMs + GRACE_MS, (done) => {
      const before = performance.eventLoopUtilization()
      const startedAt = performance.now()
      const endsAt = startedAt + durationMs
      let answers = 0
      let open = connections.length
      for (const connection of connections) {
        connection.onAnswer = () => {
          answers++
          if (performance.now() < endsAt) return send(connection)
          if (--open > 0) return
          const seconds = (performance.now() - startedAt) / 1000
          const generatorBusy = performance.eventLoopUtilization(before).utilization
          done({ answers, perSecond: answers / seconds, generatorBusy })
        }
        send(connection)
      }
    })
  }

  function sendAll(count: number): Promise<Throughput> {
    // A request that takes a second is lost: twenty a second are far below what is measured here.
    return bounded(count * 50 + GRACE_MS, (done) => {
      const before = performance.eventLoopUtilization()
      const startedAt = performance.now()
      let [sent, answers] = [0, 0]
      for (const connection of connections) {
        const sendNext = () => {
          if (sent === count) return
          sent++
          send(connection)
        }
        connection.onAnswer = () => {
          answers++
          if (answers < count) return sendNext()
          const seconds = (performance.now() - startedAt) / 1000
          const generatorBusy = performance.eventLoopUtilization(before).utilization
          done({ answers, perSecond: answers / seconds, generatorBusy })
        }
        sendNext()
      }
    })
  }

  function pace(ratePerSecond: number, durationMs: number): Promise<Float64Array> {
    return bounded(durationMs + GRACE_MS, (done) => {
      const total = Math.floor((ratePerSecond * durationMs) / 1000)
      const intervalMs = 1000 / ratePerSecond
      const latencies = new Float64Array(total)
      const idle = [...connections]
      const startedAt = performance.now()
      let sent = 0
      let answered = 0

      const isDue = (now: number) => sent < total && startedAt + sent * intervalMs <= now
      const sendNext = (connection: Connection) => {
        const dueAt = startedAt + sent++ * intervalMs
        connection.onAnswer = () => {
          const now = performance.now()
          latencies[answered++] = now - dueAt
          if (answered === total) return done(latencies)
          if (isDue(now)) sendNext(connection)
          else idle.push(connection)
        }
        send(connection)
      }
      const sendDue = () => {
        while (isDue(performance.now())) {
          const connection = idle.pop()
          if (!connection) break
          sendNext(connection)
        }
        // A millisecond late at most, which counts as latency. Looking all the time would take a core from the server.
        if (sent < total && !failure) setTimeout(sendDue, 1)
      }
      sendDue()
    })
  }

  function close(): void {
    isClosed = true
    for (const { socket } of connections) socket.destroy()
  }

  return { saturate, pace, send: sendAll, close }
}

function isGood(answer: Buffer): boolean {
  return answer.compare(GOOD, 0, GOOD.length, 0, GOOD.length) === 0
}
