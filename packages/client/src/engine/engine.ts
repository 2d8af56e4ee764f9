import { ENCRYPTION_KEY_BYTES, MAX_TRUSTED_KEYS, type DecryptionKey } from '@hotpatch/protocol'
import { readBuiltAt } from '../ground/binary.ts'
import { bytesFromBase64 } from '../ground/bytes.ts'
import { countOf } from '../recovery/choose-launch.ts'
import { clearStartCount, noteStartCount, readStartCount, writeStartCount } from '../state/crash-counter.ts'
import { launch, launchOf, launchWithoutWriting, type Launch, type StartOptions } from '../recovery/launch.ts'
import { createOutbox } from '../server/outbox.ts'
import type { Decrypter } from '../decrypt/decrypter.ts'
import type { UpdateSource } from '../edge/update-source.ts'
import type { Patcher } from '../patch/patcher.ts'
import type { Ports } from '../ground/ports.ts'
import { createServerApi, type ServerApi } from '../server/server-api.ts'
import type { Installer } from '../install/installer.ts'
import type { UpdateContract } from '../server/update-contract.ts'
import { DEFAULT_LIMITS, type EngineConfig, type Settings } from '../ground/settings.ts'
import { openStateStore, type StateStore } from '../state/state-store.ts'
import { nextState } from '../ground/states.ts'
import type { Slot } from '../state/storage-layout.ts'
import { isSameRelease, type InstalledRelease, type StoredState } from '../state/stored-state.ts'
import { createTrustTeller } from '../state/tell-trust.ts'
import { asUpdateError, UpdateError } from '../ground/update-error.ts'
import type { EngineEvent } from '../ground/engine-event.ts'
import { createUpdateFlow, type UpdateFlow, type UpdateOutcome } from './update-flow.ts'

export interface EngineStatus {
  running: Launch
  /** Of what runs; null is embedded. */
  standing: 'probation' | 'confirmed' | null
  /** What the next start runs instead; `releaseId` null is embedded. */
  staged: { releaseId: string | null; version: string } | null
  previous: { releaseId: string; version: string } | null
  highWater: number
  floor: number
  failedReleaseIds: readonly string[]
}

/** One device engine per app and process. */
export interface Engine {
  /** Chooses what to run, before any of the app's own code; needs no network and never rejects. */
  start(options?: StartOptions): Promise<Launch>
  /** "App ready", at every start: the running release proved itself. False when that could not be stored. */
  confirm(): Promise<boolean>
  /**
   * The app knows that the running release does not work: the next start rolls it back. One that was confirmed has to
   * fail at several starts in a row.
   */
  crashed(): Promise<void>
  /**
   * The app, or who uses it, does not want what runs: the next start goes back from it, and it is never tried again.
   * False when embedded runs, or that could not be stored.
   */
  rollBack(): Promise<boolean>
  check(): Promise<UpdateOutcome>
  /** What the last check found, or else what a new one finds. */
  download(): Promise<UpdateOutcome>
  /** Checks, downloads and stages; restarts the app for a mandatory update if the host can. */
  sync(): Promise<UpdateOutcome>
  /** Sends the reports that wait. sync() and confirm() do it as well. */
  flushReports(): Promise<void>
  status(): EngineStatus
  /** Returns the function that ends the subscription. */
  subscribe(listener: (event: EngineEvent) => void): () => void
}

/** What an app that needs only some of it does not take in. */
export interface EngineParts {
  /** The one of the server's that it speaks. */
  contract: UpdateContract
  /** Of the kinds of content that the contract offers. */
  installers: readonly Installer[]
  /** For archives that can be made of what is on the device already. */
  patcher?: Patcher
  /** For archives that are encrypted. */
  decrypter?: Decrypter
  /** For signed files beside the server, where the configuration has them. */
  edge?: (ports: Ports, settings: Settings, server: ServerApi) => UpdateSource
}

interface Session {
  store: StateStore
  launched: Launch
  running: InstalledRelease | null
  /** A confirmation is due: that it comes says nothing of the app's habits. */
  wasOnProbation: boolean
  flow: UpdateFlow
  outbox: ReturnType<typeof createOutbox>
}

/**
 * The device engine over what its machine offers. Two engines must not share a folder.
 *
 * @example
 * const engine = createEngineFor(ports, { serverUrl, appKey, appId, deviceId, channel: 'production', publicKeys }, parts)
 * const launched = await engine.start()
 * // … run launched.directory, or embedded; after the first successful screen:
 * await engine.confirm()
 * await engine.sync()
 *
 * @throws RangeError when a key is not the base64 of 32 bytes, or there are more than 20, or 8 to decrypt by
 */
export function createEngineFor(
  ports: Ports,
  config: EngineConfig,
  { contract, installers, patcher, decrypter, edge }: EngineParts,
): Engine {
  const settings = readSettings(config)
  if (settings.edge && !edge) throw new RangeError('this engine takes nothing from an edge')
  let keys: Promise<readonly DecryptionKey[]> | undefined
  const decryptionKeys = () => (keys ??= decrypter?.keysOf(ports, settings) ?? Promise.resolve([]))
  const server = createServerApi(ports, settings, contract, async () =>
    (await decryptionKeys()).map(({ keyId }) => keyId),
  )
  const source = edge?.(ports, settings, server) ?? { check: server.check }
  const listeners = new Set<(event: EngineEvent) => void>()
  let session: Session | undefined
  // The folder could not even be read: embedded runs, and nothing is updated until the next start.
  let broken: UpdateError | undefined
  let starting: Promise<Launch> | undefined
  let confirming: Promise<boolean> | undefined
  let lane: Promise<unknown> = Promise.resolve()
  const joined = new Map<string, Promise<UpdateOutcome>>()

  function emit(event: EngineEvent): void {
    for (const listener of listeners) {
      try {
        listener(event)
      } catch {
        // A listener's mistake must not stop an update.
      }
    }
  }

  function start(options: StartOptions = {}): Promise<Launch> {
    starting ??= begin(options)
    return starting
  }

  async function begin(options: StartOptions): Promise<Launch> {
    let store: StateStore
    try {
      store = await openStateStore(ports, settings.limits)
    } catch (error) {
      broken = asUpdateError(error)
      return { kind: 'embedded' }
    }
    const { running, slot } = await settle(store, options)
    const builtAt = readBuiltAt(ports.host, ports.clock.now())
    const tellTrust = createTrustTeller({ ports, settings, store, builtAt })
    const outbox = createOutbox({ files: ports.files, store, server, tellTrust, limits: settings.limits, emit })
    const flow = createUpdateFlow({
      ports,
      settings,
      installers,
      patcher,
      decrypter,
      decryptionKeys,
      store,
      source,
      outbox,
      tellTrust,
      builtAt,
      running,
      emit,
    })
    const launched = launchOf(ports, running, slot)
    const wasOnProbation = store.current().active?.standing === 'probation'
    session = { store, outbox, flow, running, launched, wasOnProbation }
    return launched
  }

  /** Whatever goes wrong, something is started that was verified: at worst what the binary shipped with. */
  async function settle(
    store: StateStore,
    options: StartOptions,
  ): Promise<{ running: InstalledRelease | null; slot: Slot }> {
    try {
      const running = await launch(ports, store, settings.limits, options)
      return { running, slot: 'bundle' }
    } catch {
      const found = await launchWithoutWriting(ports, store, settings.limits).catch(() => null)
      return { running: found?.release ?? null, slot: found?.slot ?? 'bundle' }
    }
  }

  function started(): Session | undefined {
    if (!session && !broken) throw new Error('start() must have resolved before anything else is asked of the engine')
    return session
  }

  function isOnProbation({ store, running }: Session): boolean {
    const { active } = store.current()
    return active?.standing === 'probation' && isSameRelease(active, running)
  }

  function confirm(): Promise<boolean> {
    confirming ??= confirmOnce().finally(() => {
      confirming = undefined
    })
    return confirming
  }

  async function confirmOnce(): Promise<boolean> {
    const current = started()
    if (!current) return true
    const { store, outbox, running } = current
    try {
      if (running && isOnProbation(current)) {
        const { releaseId, version } = running
        await store.commit(confirmActive, [{ kind: 'confirmed', releaseId, version }])
        await clearStartCount(ports.files)
      } else {
        await noteReady(current)
      }
      return true
    } catch {
      // Still on probation, and counted: the app may ask again.
      return !isOnProbation(current)
    } finally {
      void outbox.flush()
    }
  }

  /** Engine §3: an app that says it when nothing waits for it says it always, and silence means something. */
  async function noteReady({ store, running, wasOnProbation }: Session): Promise<void> {
    const { active, tellsReady } = store.current()
    if (!tellsReady && !wasOnProbation) await store.commit((state) => ({ ...state, tellsReady: true }))
    if (!active || !isSameRelease(active, running)) return
    const count = countOf(active, { count: await readStartCount(ports.files) })
    if (!count || count.isReady) return
    // Bad starts must not come back with a power cut: then few would be as good as many.
    const write = count.starts > 1 ? writeStartCount : noteStartCount
    await write(ports.files, { ...count, isReady: true })
  }

  async function crashed(): Promise<void> {
    await noteCrash(0)
  }

  function rollBack(): Promise<boolean> {
    return noteCrash(settings.limits.badStartsInARow).catch(() => false)
  }

  /** As if it had been started so often, at least. False when nothing runs that could be gone back from. */
  async function noteCrash(leastStarts: number): Promise<boolean> {
    const current = started()
    const active = current?.store.current().active
    if (!active || !isSameRelease(active, current?.running)) return false
    const { releaseId, standing } = active
    const count = countOf(active, { count: await readStartCount(ports.files) })
    const counted = count ?? { releaseId, standing, starts: 1, hasCrashed: false, isReady: false }
    const starts = Math.max(counted.starts, leastStarts)
    await writeStartCount(ports.files, { ...counted, starts, hasCrashed: true })
    return true
  }

  /** A second call of the same kind joins the first; different ones follow each other. */
  function join(name: string, run: (current: Session) => Promise<UpdateOutcome>): Promise<UpdateOutcome> {
    const current = started()
    const under = joined.get(name)
    if (under) return under
    if (!current) return Promise.resolve(failure(broken))
    const work = lane.then(() => run(current)).finally(() => joined.delete(name))
    lane = work.catch(() => undefined)
    joined.set(name, work)
    return work
  }

  async function synchronize({ flow, outbox }: Session): Promise<UpdateOutcome> {
    const checked = await flow.check()
    const isAvailable = checked.kind === 'available' || checked.kind === 'available-embedded'
    const outcome = isAvailable ? await flow.download() : checked
    await outbox.flush()
    if (outcome.kind === 'staged' && outcome.mandatory && settings.restartsWhenMandatory) {
      try {
        await ports.host.restart?.()
      } catch {
        // It is staged: the next start, whenever that is, takes it.
      }
    }
    return outcome
  }

  function status(): EngineStatus {
    const current = started()
    if (!current) return NOTHING_KNOWN
    const { store, launched, running } = current
    const { active, staged, previous, highWater, floor, failed } = store.current()
    const nameOf = ({ releaseId, version }: InstalledRelease) => ({ releaseId, version })
    const embedded = { releaseId: null, version: ports.host.nativeVersion }
    return {
      running: launched,
      standing: isSameRelease(active, running) && active ? active.standing : null,
      staged: staged && (staged.release ? nameOf(staged.release) : embedded),
      previous: previous && nameOf(previous),
      highWater,
      floor,
      failedReleaseIds: failed.map((release) => release.releaseId),
    }
  }

  return {
    start,
    confirm,
    crashed,
    rollBack,
    check: () => join('check', ({ flow }) => flow.check()),
    download: () => join('download', ({ flow }) => flow.download()),
    sync: () => join('sync', synchronize),
    flushReports: async () => started()?.outbox.flush(),
    status,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

const NOTHING_KNOWN: EngineStatus = {
  running: { kind: 'embedded' },
  standing: null,
  staged: null,
  previous: null,
  highWater: 0,
  floor: 0,
  failedReleaseIds: [],
}

function failure(error = new UpdateError('storage-failed', 'the private folder cannot be read')): UpdateOutcome {
  return { kind: 'failed', code: error.code, error, releaseId: null }
}

function confirmActive(state: StoredState): StoredState {
  if (!state.active || nextState(state.active.standing, 'confirm') !== 'confirmed') return state
  // Engine §4: only what proved itself bars the way back.
  const highWater = Math.max(state.highWater, state.active.sequence)
  return { ...state, active: { ...state.active, standing: 'confirmed' }, highWater }
}

/** Encryption §1: as many as fit into what a check tells. */
const MAX_DECRYPTION_KEYS = 8

function readSettings(config: EngineConfig): Settings {
  const { publicKeys = [], decryptionKeys = [], edge } = config
  if (edge && publicKeys.length === 0) throw new RangeError('an edge needs public keys: nobody else can vouch for it')
  if (!edge && config.serverUrl === '') throw new RangeError('expected the address of a server, or an edge')
  if (publicKeys.length > MAX_TRUSTED_KEYS) {
    throw new RangeError(`at most ${MAX_TRUSTED_KEYS} public keys, found ${publicKeys.length}`)
  }
  if (decryptionKeys.length > MAX_DECRYPTION_KEYS) {
    throw new RangeError(`at most ${MAX_DECRYPTION_KEYS} decryption keys, found ${decryptionKeys.length}`)
  }
  return {
    appKey: '',
    cohorts: [],
    deviceCredential: false,
    allowInsecure: false,
    restartsWhenMandatory: true,
    ...config,
    edge: edge ? { order: 'first', ...edge } : null,
    limits: { ...DEFAULT_LIMITS, ...config.limits },
    publicKeys: publicKeys.map((text) => {
      const key = bytesFromBase64(text)
      if (key?.length !== 32)
        throw new RangeError(`a public key must be base64 of 32 bytes, found ${text.slice(0, 60)}`)
      return key
    }),
    decryptionKeys: decryptionKeys.map((text, index) => {
      const key = bytesFromBase64(text)
      // Never a part of it: messages are logged.
      if (key?.length !== ENCRYPTION_KEY_BYTES)
        throw new RangeError(`decryption key ${index + 1} must be base64 of ${ENCRYPTION_KEY_BYTES} bytes`)
      return key
    }),
  }
}
