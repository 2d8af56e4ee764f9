// oxlint-disable-next-line no-restricted-imports -- Only tests take this in.
import { isDeepStrictEqual } from 'node:util'
import { textFromUtf8 } from '@hotpatch/protocol'
import type { ClockPort, HttpPort, HttpResponse } from '@hotpatch/device-ground'
import type { UpdateOutcome } from '../../engine/update-flow.ts'
import { jsonFromUtf8 } from '../../ground/bytes.ts'
import { described, type BodyPiece, type BytesPiece, type DescribedBody } from '../described-body.ts'
import { createFakeServer, type FakePatch, type FakeServer } from '../fake-server.ts'
import { sha256Of, type PublishedRelease } from '../publisher.ts'
import { openDetails } from './expectation.ts'
import { createLife } from './life.ts'
import { mergedDevice } from './play-scenario.ts'
import type {
  ScenarioAction,
  ScenarioBody,
  ScenarioDevice,
  ScenarioExchange,
  ScenarioFile,
  ScenarioPiece,
  ScenarioRequest,
  ScenarioStep,
} from './scenario.ts'
import { cancellable, plainRequest } from './scripted-network.ts'

/** What of a step is written down beside what always is. */
export interface Shown {
  files?: true
  json?: readonly string[]
  operations?: true
}

/** A device, and the server that it meets, whose every step is written down. */
export interface RecordedLife {
  server: FakeServer
  clock: Pick<ClockPort, 'after'>
  do(action: ScenarioAction, shown?: Shown): Promise<ScenarioStep>
  boot(shown?: Shown): Promise<ScenarioStep>
  confirm(shown?: Shown): Promise<ScenarioStep>
  check(shown?: Shown): Promise<ScenarioStep & { outcome: UpdateOutcome }>
  download(shown?: Shown): Promise<ScenarioStep & { outcome: UpdateOutcome }>
  sync(shown?: Shown): Promise<ScenarioStep & { outcome: UpdateOutcome }>
  flushReports(shown?: Shown): Promise<ScenarioStep>
  /** The name of a body, for steps that write files. */
  body(bytes: Uint8Array): string
}

export type Script = (life: RecordedLife) => Promise<void>

export interface NewScenarioFile extends Pick<ScenarioFile, 'section' | 'comment' | 'device'> {
  releases: readonly PublishedRelease[]
  patches?: readonly FakePatch[]
  /** Files that the binary ships with, to which `device.embedded` refers as `shipped/` and their path. */
  shipped?: ReadonlyMap<string, Uint8Array>
  prelude?: Script
}

/** Writes scenarios down while they are lived, against the fake server. */
export function createScenarioRecorder(about: NewScenarioFile) {
  const { section, comment, device, releases, patches = [], shipped = new Map(), prelude } = about
  const names = createNames()
  for (const [path, bytes] of shipped) names.body(bytes, `shipped/${path}`)
  const { bodies, requests } = names
  const file: ScenarioFile = { section, comment, device, bodies, requests, releases: {}, prelude: [], cases: [] }
  for (const { version, releaseId, bundle, files, encrypted } of releases) {
    names.body(bundle, `bundle-${version}`)
    if (encrypted) names.body(encrypted.bytes, `encrypted-${version}`)
    file.releases[releaseId] = Object.fromEntries(
      [...files].map(([path, bytes]) => [path, names.body(bytes, `${version}/${path}`)]),
    )
  }
  patches.forEach(({ bytes }, index) => names.body(bytes, `patch-${index + 1}`))

  async function record(what: string, script: Script, own?: Partial<ScenarioDevice>): Promise<void> {
    const { life, steps } = startRecording(names, mergedDevice(device, own))
    if (prelude) await prelude(life)
    const before = steps.splice(0)
    if (file.prelude.length === 0) file.prelude = before
    if (!isDeepStrictEqual(before, file.prelude)) throw new Error(`"${what}" begins otherwise than the others`)
    await script(life)
    file.cases.push({ comment: what, ...(own && Object.keys(own).length > 0 && { device: own }), steps })
  }

  return { record, file: () => file }
}

function startRecording(names: ReturnType<typeof createNames>, device: ScenarioDevice) {
  const server = createFakeServer()
  const network = recordedNetwork(server, names)
  const life = createLife(device, names.bytesOf, network.on)
  const steps: ScenarioStep[] = []
  let status: unknown

  async function act(action: ScenarioAction, shown: Shown = {}): Promise<ScenarioStep> {
    const { operations, ...seen } = await life.perform(action)
    const now = openDetails(life.status())
    const files = shown.files || shown.json ? life.files() : {}
    const step = openDetails({
      ...action,
      exchanges: network.take(),
      ...seen,
      ...(!isDeepStrictEqual(now, status) && { status: now }),
      ...(shown.json && { json: Object.fromEntries(shown.json.map((path) => [path, ownJson(files, path)])) }),
      ...(shown.files && { files }),
      ...(shown.operations && { operations }),
    }) as ScenarioStep
    if (step.exchanges?.length === 0) delete step.exchanges
    status = now
    steps.push(step)
    return step
  }

  const update = (name: 'check' | 'download' | 'sync') => async (shown?: Shown) =>
    (await act({ do: name }, shown)) as ScenarioStep & { outcome: UpdateOutcome }
  const recorded: RecordedLife = {
    server,
    clock: life.clock,
    do: act,
    boot: (shown) => act({ do: 'boot' }, shown),
    confirm: (shown) => act({ do: 'confirm' }, shown),
    check: update('check'),
    download: update('download'),
    sync: update('sync'),
    flushReports: (shown) => act({ do: 'flushReports' }, shown),
    body: (bytes) => names.body(bytes),
  }
  return { life: recorded, steps }
}

function ownJson(files: Record<string, unknown>, path: string): unknown {
  return files[path] === undefined ? null : (files[path] as { json: unknown }).json
}

type Names = ReturnType<typeof createNames>

/** The fake server, heard by nobody but who writes down. */
function recordedNetwork(server: FakeServer, names: Names) {
  let exchanges: ScenarioExchange[] = []

  async function answer(
    exchange: ScenarioExchange,
    asked: Promise<HttpResponse>,
    timers: Pick<ClockPort, 'after'>,
  ): Promise<HttpResponse> {
    const { status, headers, body } = await asked
    const pieces = piecesOf(body as DescribedBody)
    const written = names.pieces(pieces)
    const told = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
    exchange.response = {
      status,
      ...(Object.keys(told).length > 0 && { headers: told as Record<string, string> }),
      ...(written !== undefined && { body: written }),
    }
    return { status, headers, body: described(pieces, timers) }
  }

  return {
    on: (clock: ClockPort): HttpPort => ({
      open(request) {
        const exchange = { atMs: clock.elapsed(), request: names.request(plainRequest(request)), response: null }
        exchanges.push(exchange)
        const timers = cancellable(clock)
        return { response: answer(exchange, server.http.open(request).response, timers), abort: timers.cancel }
      },
    }),
    take() {
      const taken = exchanges
      exchanges = []
      return taken
    },
  }
}

/** In one piece what comes without a pause. */
function piecesOf({ pieces }: DescribedBody): BodyPiece[] {
  return pieces.flatMap((piece) => {
    if (!('bytes' in piece) || piece.afterMs !== undefined) return [piece]
    return piece.bytes.length > 0 ? [{ bytes: piece.bytes }] : []
  })
}

/** Everything that is said more than once gets a name. */
export function createNames() {
  const bodies: Record<string, ScenarioBody> = {}
  const requests: Record<string, ScenarioRequest> = {}
  const known = new Map<string, { name: string; bytes: Uint8Array }>()

  function body(bytes: Uint8Array, wanted?: string): string {
    const found = known.get(sha256Of(bytes))
    if (found) return found.name
    const written = writtenBody(bytes)
    const name = wanted ?? next(bodies, 'json' in written ? 'answer' : 'body')
    bodies[name] = written
    known.set(sha256Of(bytes), { name, bytes })
    return name
  }

  /** As a part of something that has a name, where it is one. */
  function piece({ bytes, ...how }: BytesPiece): ScenarioPiece {
    if (!known.has(sha256Of(bytes))) {
      for (const whole of known.values()) {
        const from = Buffer.from(whole.bytes).indexOf(bytes)
        if (from !== -1 && bytes.length > 3) return { body: whole.name, from, to: from + bytes.length, ...how }
      }
    }
    return { body: body(bytes), ...how }
  }

  function pieces(all: readonly BodyPiece[]): string | ScenarioPiece[] | undefined {
    const written = all.map((each) => ('bytes' in each ? piece(each) : each))
    const [first] = written
    if (!first) return undefined
    return written.length === 1 && 'body' in first && Object.keys(first).length === 1 ? first.body : written
  }

  function request(asked: ScenarioRequest): string {
    const opened = openDetails(asked) as ScenarioRequest
    const found = Object.entries(requests).find(([, each]) => isDeepStrictEqual(each, opened))
    if (found) return found[0]
    const kind = asked.method === 'GET' ? 'get' : asked.url.slice(asked.url.lastIndexOf('/') + 1)
    const name = next(requests, kind)
    requests[name] = opened
    return name
  }

  function bytesOf(name: string): Uint8Array {
    for (const each of known.values()) if (each.name === name) return each.bytes
    throw new Error(`there is no body ${name}`)
  }

  return { bodies, requests, body, pieces, request, bytesOf }
}

function next(named: Record<string, unknown>, kind: string): string {
  return `${kind}-${Object.keys(named).filter((name) => name.startsWith(`${kind}-`)).length + 1}`
}

function writtenBody(bytes: Uint8Array): ScenarioBody {
  if (bytes.length > 16 && bytes.every((byte) => byte === 0)) return { zeros: bytes.length }
  const json = jsonFromUtf8(bytes)
  if (typeof json === 'object' && json !== null && textFromUtf8(bytes) === JSON.stringify(json)) return { json }
  const text = textFromUtf8(bytes)
  return text === undefined || text.includes('\0') ? { base64: Buffer.from(bytes).toString('base64') } : { text }
}
