import { Agent, request } from 'node:http'

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of every shape are looked into
  body: any
}

export interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: unknown
}

/** One connection that is kept as long as the server keeps it. */
export function openConnection(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let worker: string | undefined

  function ask(path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, {
        method,
        agent,
        headers: {
          ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          ...headers,
        },
      })
      asked.on('error', reject)
      asked.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const received = Buffer.concat(chunks).toString()
          const isJson = /\bjson\b/.test(String(response.headers['content-type']))
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: isJson ? (JSON.parse(received) as unknown) : received,
          })
        })
      })
      asked.end(text)
    })
  }

  /** Takes the connection for an answer that does not end, and says what comes. */
  function follow(path: string, headers: Record<string, string>, hear: (text: string) => void): void {
    const asked = request(`${url}${path}`, { agent, headers })
    asked.on('error', () => undefined) // it ends with the connection
    asked.on('response', (response) => {
      response.on('error', () => undefined)
      response.setEncoding('utf8').on('data', hear)
    })
    asked.end()
  }

  /** Whom it is to: request ids begin with one that each process makes for itself. */
  async function findWorker(): Promise<string> {
    const { body } = await ask('/manage/v1/no-such-address')
    return (worker = /^urn:request:(.+)-\d+$/.exec(body.instance)?.[1] ?? '')
  }

  return { ask, follow, findWorker, worker: () => worker, close: () => agent.destroy() }
}

export type Connection = ReturnType<typeof openConnection>

/**
 * One connection to each of the workers. Several are begun at a time: whichever worker waited last is woken first, and
 * on a quiet machine it would take each of those that come one by one.
 */
export async function openToEach(url: string, size: number): Promise<Connection[]> {
  const found = new Map<string, Connection>()
  for (let tries = 0; found.size < size && tries < 100; tries++) {
    const opened = Array.from({ length: 4 * size }, () => openConnection(url))
    const workers = await Promise.all(opened.map((connection) => connection.findWorker()))
    for (const [index, connection] of opened.entries()) {
      const worker = workers[index] ?? ''
      if (found.has(worker)) connection.close()
      else found.set(worker, connection)
    }
  }
  if (found.size < size) throw new Error(`Expected ${size} workers to answer, found ${found.size}.`)
  return [...found.values()]
}

export interface Failure {
  /** Undefined: it was not known yet. */
  worker: string | undefined
  why: string
}

/**
 * Clients that ask all the time, one after the other on each connection: half of them keep theirs, half begin a new one
 * for every few requests.
 */
export function askAllTheTime(url: string, ask: (connection: Connection) => Promise<Answer>, clients = 4) {
  const failures: Failure[] = []
  const workers = new Set<string>()
  let answers = 0
  const stopping = new AbortController()
  const isStopped = () => stopping.signal.aborted

  async function run(perConnection: number): Promise<void> {
    while (!isStopped()) {
      const connection = openConnection(url)
      try {
        workers.add(await connection.findWorker())
        for (let count = 0; count < perConnection && !isStopped(); count++) {
          const { status, headers, body } = await ask(connection)
          if (status === 200) answers++
          else failures.push({ worker: connection.worker(), why: `${status} ${JSON.stringify(body)}` })
          // The next request is on another one.
          if (headers.connection === 'close') break
        }
      } catch (error) {
        failures.push({ worker: connection.worker(), why: String(error) })
      }
      connection.close()
    }
  }

  const running = Array.from({ length: clients }, (_, index) => run(index % 2 === 0 ? Infinity : 5))

  return {
    answers: () => answers,
    /** All that answered since the last call. */
    takeWorkers() {
      const seen = [...workers]
      workers.clear()
      return seen
    },
    failures,
    async stop() {
      stopping.abort()
      await Promise.all(running)
    },
  }
}
