// The yardstick: the least that a node:http server can do to give the same answer. `bare-server.ts answer.json [batched]`
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BareAnswer } from './bare-answer.ts'

const answered = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as BareAnswer
const { headers } = answered
const bytes = Buffer.from(answered.body, 'base64')
/** Whichever is cheaper to send: a short text in one piece with the headers, or bytes. */
const MAX_TEXT_BYTES = 8 * 1024
const body = bytes.length > MAX_TEXT_BYTES ? bytes : bytes.toString()

/** Or at once: the plain server that everybody writes. */
const isBatched = process.argv[3] === 'batched'
let turn: ServerResponse[] = []

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  if (request.method === 'POST') readJson(request, () => take(response))
  else take(response)
})

/** Batched as HotPatch does it: what comes in one turn of the event loop is answered together. */
function take(response: ServerResponse): void {
  if (!isBatched) return answer(response)
  if (turn.push(response) > 1) return
  setImmediate(() => {
    const responses = turn
    turn = []
    for (const each of responses) answer(each)
  })
}

function readJson(request: IncomingMessage, done: (body: unknown) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => done(JSON.parse(Buffer.concat(chunks).toString())))
}

function answer(response: ServerResponse): void {
  response.writeHead(200, headers)
  response.end(body)
}

process.once('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
