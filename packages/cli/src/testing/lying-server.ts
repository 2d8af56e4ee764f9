import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readReleaseStatement, type ReleaseStatement } from '@hotpatch/protocol'

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

export interface Answer {
  /** Such as "GET /apps/x": its order among all answers of one run tells equal ones apart. */
  request: string
  status: number
  body: Json
}

/** Changes one answer; `index` counts those of one run. */
export type Lie = (answer: Answer, index: number) => Json

/**
 * Stands between the tool and a real server, and changes what it is told to. What the tool would change goes no further
 * than here: every run finds the server as the one before, and all that was signed is kept.
 */
export async function startLyingServer(url: string) {
  let lie: Lie = ({ body }) => body
  let answers: Answer[] = []
  let signed: ReleaseStatement[] = []

  const server = createServer((request, response) => {
    void answer(request, response)
  })

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const body = await readBody(request)
    const isQuestion = /\/(?:preview|impact|preflight)$/.test(request.url ?? '')
    if (request.method !== 'GET' && !isQuestion) {
      signed.push(...statementsIn(body))
      return send(response, 201, {})
    }
    const headers = { authorization: request.headers.authorization ?? '', 'content-type': 'application/json' }
    const init: RequestInit = isQuestion ? { method: 'POST', headers, body: new Uint8Array(body) } : { headers }
    const real = await fetch(`${url}${request.url}`, init)
    const found = {
      request: `${request.method} ${request.url}`,
      status: real.status,
      body: (await real.json()) as Json,
    }
    const told = lie(found, answers.length)
    answers.push(found)
    send(response, real.status, told, real.headers.get('content-type') ?? '')
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}`,
    /** What the next command hears and signs. */
    async during(nextLie: Lie, run: () => Promise<void>) {
      lie = nextLie
      answers = []
      signed = []
      await run()
      return { answers, signed }
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(resolve)
      }),
  }
}

function send(response: ServerResponse, status: number, body: Json, contentType = 'application/json') {
  response.writeHead(status, { 'content-type': contentType }).end(JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** In a form or in JSON: whatever is base64 of a statement. */
function statementsIn(body: Buffer): ReleaseStatement[] {
  const texts = body.toString('latin1').match(/[A-Za-z0-9+/]{100,}={0,2}/g) ?? []
  return texts
    .map((text) => Buffer.from(text, 'base64').toString('utf8'))
    .filter((text) => text.startsWith('{"type":'))
    .map(readReleaseStatement)
}

export interface Change {
  /** Of the answer, counted over the run. */
  index: number
  name: string
  /** Of what decides which bytes are signed, for which app and by which key: what a server that lies well would change. */
  isClever: boolean
  lie: Lie
}

/** Every way in which one field of one of these answers can be changed. */
export function changesOf(answers: readonly Answer[]): Change[] {
  const pool = new Map<string, Set<string>>()
  for (const { body } of answers) collect(body, '', pool)
  return answers.flatMap(({ request, body }, index) =>
    pathsOf(body).flatMap((path) =>
      alternatives(valueAt(body, path), String(path.at(-1) ?? ''), pool).map((value) => ({
        index,
        name: `${index} ${request.replaceAll(/[0-9a-f-]{36}/g, ':id')} /${path.join('/')} = ${JSON.stringify(value).slice(0, 40)}`,
        isClever: isClever(path, value),
        lie: (answer: Answer, at: number) => (at === index ? replaced(answer.body, path, value) : answer.body),
      })),
    ),
  )
}

type Path = readonly (string | number)[]

const TELLING_FIELDS = new Set<unknown>(['nextSequence', 'statement', 'statementSignature', 'publicKey'])

/** Such a field, what an answer as a whole is about, or a whole release in place of another. */
function isClever(path: Path, value: Json): boolean {
  if (TELLING_FIELDS.has(path.at(-1)) || (path.length === 1 && path[0] === 'id')) return true
  return typeof value === 'object' && value !== null && 'statement' in value
}

function pathsOf(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, item]) => pathsOf(item, [...path, name]))]
}

function valueAt(value: Json, path: Path): Json {
  return path.reduce<Json>((found, name) => (found as { [name: string]: Json })[name] ?? null, value)
}

function replaced(value: Json, [name, ...rest]: Path, by: Json): Json {
  if (name === undefined) return by
  const copy = structuredClone(value) as { [name: string]: Json }
  copy[name] = replaced(copy[name] ?? null, rest, by)
  return copy
}

/** What fields of that name hold elsewhere: these lies look like the truth. */
function collect(value: Json, name: string, pool: Map<string, Set<string>>) {
  const values = pool.get(kindOf(name)) ?? new Set()
  pool.set(kindOf(name), values.add(JSON.stringify(value)))
  if (typeof value !== 'object' || value === null) return
  for (const [key, item] of Object.entries(value)) collect(item, key, pool)
}

function kindOf(name: string): string {
  if (['release', 'earlier', '0', '1', '2', ''].includes(name)) return 'release'
  return name.endsWith('Id') || name === 'id' ? 'id' : name
}

function alternatives(value: Json, name: string, pool: Map<string, Set<string>>): Json[] {
  const elsewhere = [...(pool.get(kindOf(name)) ?? [])].map((text) => JSON.parse(text) as Json)
  return [...elsewhere, ...inventions(value)].filter((other) => JSON.stringify(other) !== JSON.stringify(value))
}

function inventions(value: Json): Json[] {
  switch (typeof value) {
    case 'number':
      return [value + 1, value + 900, value + 5000, value - 1, 0, -1, Number.MAX_SAFE_INTEGER, 1e300, '7']
    case 'string':
      return ['', 'x', `${value}x`, value.slice(1), null, 7, '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01', 'f'.repeat(64)]
    case 'boolean':
      return [!value, null]
    case 'object':
      return value === null ? ['x', 7, {}] : [null, {}, []]
    default:
      return []
  }
}
