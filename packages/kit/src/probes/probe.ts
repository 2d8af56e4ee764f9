import { joinAddress, messageOf, sleep, TookTooLongError, within } from '@hotpatch/device-ground'
import type { ClockPort, HttpPort, Stopped } from '@hotpatch/device-ground'
import { textFromUtf8, type KitComponent, type KitManifest, type KitProbe } from '@hotpatch/protocol'
import type { HooksPort } from '../ground/hooks.ts'
import { KitError } from '../ground/kit-error.ts'
import type { HookFacts } from '../hooks/run-hook.ts'
import { isServiceRunning } from '../hooks/services.ts'
import type { Installation, ProbePlace, ServiceHooks } from '../installation/installation.ts'
import type { TcpPort } from './tcp-port.ts'

export interface ProbePorts {
  http: HttpPort
  tcp: TcpPort
  hooks: HooksPort
  clock: ClockPort
}

/** Kits §3.8 */
export type ProbeResult =
  | { kind: 'well'; attempts: number }
  /** Why the last attempt failed, for people. */
  | { kind: 'ill'; attempts: number; reason: string }
  /** Somebody did not want to wait for it: nothing is known, and nothing is to be blamed. */
  | { kind: 'stopped' }
  /** Neither the release nor the installation says how one would find out. */
  | { kind: 'unasked' }

export interface ProbeOptions {
  ports: ProbePorts
  stopped?: Stopped
}

/** Of an answer: more is not read, as only its status counts. */
const READ_OF_BODY_BYTES = 64 * 1024
const SHOWN_OF_BODY = 200

/** Whether a component works, as often as its probe allows. A probe that cannot be asked here is ill: nobody would know. */
export function probeComponent(
  component: Pick<KitComponent, 'id' | 'version' | 'probe'>,
  installation: Pick<Installation, 'components'>,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const place = installation.components[component.id]
  const facts: HookFacts = { HOTPATCH_KIT_COMPONENT: component.id, HOTPATCH_KIT_VERSION: component.version }
  const where = { place: place?.probe ?? {}, service: place?.service, name: component.id, facts }
  return probe(component.probe ?? ownProbeOf(where.place), where, options)
}

/** Whether the whole kit works: the last thing that is asked before it is committed. */
export function probeKit(
  manifest: Pick<KitManifest, 'releaseId' | 'probe'>,
  installation: Pick<Installation, 'probe'>,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const facts: HookFacts = { HOTPATCH_KIT_RELEASE: manifest.releaseId }
  const where = { place: installation.probe, service: undefined, name: 'the kit', facts }
  return probe(manifest.probe ?? ownProbeOf(installation.probe), where, options)
}

/** @throws KitError probe-failed when it is ill, stopped when nobody has waited for that */
export function expectWell(result: ProbeResult, component?: string): void {
  if (result.kind === 'stopped') throw new KitError('stopped', 'The apply was stopped while it was probed.')
  if (result.kind !== 'ill') return
  const who = component ?? 'the kit'
  throw new KitError(
    'probe-failed',
    `Expected ${who} to work, found after ${result.attempts} attempts: ${result.reason}`,
    component === undefined ? {} : { component },
  )
}

interface ProbedPlace {
  place: ProbePlace
  service: ServiceHooks | undefined
  name: string
  facts: HookFacts
}

/** What the operator wants to be asked of every release, where a release does not say how. */
function ownProbeOf({ hook }: ProbePlace): KitProbe | undefined {
  return hook && { type: 'hook', attempts: 3, intervalMs: 1_000, timeoutMs: hook.timeoutMs }
}

async function probe(
  asked: KitProbe | undefined,
  where: ProbedPlace,
  { ports, stopped }: ProbeOptions,
): Promise<ProbeResult> {
  if (!asked) return { kind: 'unasked' }
  let reason = ''
  for (let attempt = 1; attempt <= asked.attempts; attempt += 1) {
    if (stopped?.isStopped()) return { kind: 'stopped' }
    try {
      await attemptOnce(asked, where, ports)
      return { kind: 'well', attempts: attempt }
    } catch (error) {
      reason = error instanceof TookTooLongError ? `no answer within ${asked.timeoutMs} ms` : messageOf(error)
      // Nothing would be otherwise at the next attempt.
      if (error instanceof UnaskableError) return { kind: 'ill', attempts: attempt, reason }
    }
    if (attempt < asked.attempts) await sleep(ports.clock, asked.intervalMs, stopped)
  }
  return stopped?.isStopped() ? { kind: 'stopped' } : { kind: 'ill', attempts: asked.attempts, reason }
}

class UnaskableError extends Error {
  override name = 'UnaskableError'
}

function attemptOnce(asked: KitProbe, where: ProbedPlace, ports: ProbePorts): Promise<void> {
  switch (asked.type) {
    case 'http':
      return askHttp(asked, where, ports)
    case 'tcp':
      return askTcp(asked, where, ports)
    case 'hook':
      return askHook(asked, where, ports)
    case 'service':
      return askService(asked, where, ports)
  }
}

/** Follows no redirect: what it would lead to is not the component. */
async function askHttp(asked: KitProbe, { place, name }: ProbedPlace, { http, clock }: ProbePorts): Promise<void> {
  const url = place.url === undefined ? undefined : joinAddress(place.url, asked.path ?? '/')
  if (url === undefined) throw unaskable(name, 'url', 'its address')
  const exchange = http.open({ method: 'GET', url, headers: { accept: '*/*', 'user-agent': 'hotpatch-kit' } })
  const abort = () => exchange.abort()
  const read = async () => {
    const { status, body } = await exchange.response
    const beginning = await readBeginning(body)
    const isExpected = asked.status === undefined ? status >= 200 && status <= 299 : status === asked.status
    if (isExpected) return
    const text = (textFromUtf8(beginning.subarray(0, SHOWN_OF_BODY)) ?? '').replaceAll(/[^\x20-\x7e]+/g, ' ').trim()
    throw new Error(`${url} answered ${status}, expected ${asked.status ?? '200 to 299'}${text && `: ${text}`}`)
  }
  try {
    await within(clock, { ms: asked.timeoutMs, what: 'the answer', abort }, read())
  } finally {
    abort()
  }
}

async function readBeginning(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let beginning = new Uint8Array()
  let length = 0
  for await (const chunk of body) {
    if (length === 0) beginning = Uint8Array.from(chunk.subarray(0, SHOWN_OF_BODY))
    length += chunk.length
    if (length >= READ_OF_BODY_BYTES) break
  }
  return beginning
}

async function askTcp(asked: KitProbe, { place, name }: ProbedPlace, { tcp, clock }: ProbePorts): Promise<void> {
  if (!place.address) throw unaskable(name, 'address', 'its host and port')
  const attempt = tcp.open(place.address)
  try {
    await within(clock, { ms: asked.timeoutMs, what: 'the connection' }, attempt.connected)
  } finally {
    attempt.close()
  }
}

async function askHook(asked: KitProbe, { place, name, facts }: ProbedPlace, { hooks }: ProbePorts): Promise<void> {
  if (!place.hook) throw unaskable(name, 'hook', 'what is run')
  const timeoutMs = Math.min(asked.timeoutMs, place.hook.timeoutMs)
  const { exitCode, output } = await hooks.run({ ...place.hook, timeoutMs }, facts)
  if (exitCode !== 0)
    throw new Error(`${place.hook.run[0]} ended with ${exitCode ?? 'a signal'}${output && `: ${output}`}`)
}

async function askService(asked: KitProbe, where: ProbedPlace, { hooks }: ProbePorts): Promise<void> {
  const { service, name, facts } = where
  if (!service?.isRunning)
    throw new UnaskableError(`kit.json does not say how one finds out whether ${name} is running (isRunning)`)
  const timeoutMs = Math.min(asked.timeoutMs, service.isRunning.timeoutMs)
  const isRunning = { ...service.isRunning, timeoutMs }
  if (!(await isServiceRunning({ isRunning }, { hooks, facts, component: name })))
    throw new Error('its service is not running')
}

function unaskable(name: string, field: string, what: string): UnaskableError {
  return new UnaskableError(
    `the release asks for a probe of ${name} that kit.json gives no place for: add ${what} (probe.${field})`,
  )
}
