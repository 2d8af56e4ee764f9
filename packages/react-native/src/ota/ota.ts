import type { NativeOutcome, ReleaseName, UpdateState } from '../native/messages.ts'
import type { NativeHotPatch } from '../native/native-module.ts'
import { eventOf, type OtaEvent, type OtaEventOf } from './events.ts'
import { readOptions, type OtaOptions } from './options.ts'
import { outcomeOf, statusOf, statusWithout, type OtaStatus, type Unavailable, type UpdateOutcome } from './outcome.ts'
import { asConfigurationError, ConfigurationError } from './update-error.ts'

/** The app around it. */
export interface OtaHost {
  /** Null where the app was built without it. */
  native: NativeHotPatch | null
  isDevelopment: boolean
  /** Calls back when the first root of the app was rendered, after all its effects. */
  onFirstRender(callback: () => void): void
  /** Calls back for an error that is about to end the app, before whatever else hears of it. */
  onFatalError(callback: () => void): void
  warn(message: string): void
}

export interface Progress {
  receivedBytes: number
  sizeBytes: number
}

/** What screens show: another object whenever something of it is different. */
export interface OtaState {
  status: OtaStatus
  /** Where the update is that is under way. */
  phase: UpdateState
  /** Null while nothing is downloaded. */
  progress: Progress | null
  /** Of the last check or download. */
  outcome: UpdateOutcome | null
}

export interface Ota {
  /**
   * Once, before the app's root is registered: says where updates come from, and looks for one.
   *
   * @throws ConfigurationError for an option that is not as it must be
   */
  configure(options: OtaOptions): void
  /** Asks the server. Rejects only for a wrong configuration, as the next two do. */
  check(): Promise<UpdateOutcome>
  /** Downloads what the last check found, or else what a new one finds; the next start runs it. */
  download(options?: { onProgress?: (progress: Progress) => void }): Promise<UpdateOutcome>
  /** Checks, downloads, and restarts for a mandatory update unless told otherwise: what `checkOnLaunch` does. */
  sync(): Promise<UpdateOutcome>
  /** Runs now what waits for the next start. False when nothing waits, or this app cannot be restarted. */
  apply(): Promise<boolean>
  /** Starts JavaScript again, with what is chosen as at every start. False when this app cannot be restarted. */
  restart(): Promise<boolean>
  /** The running release works. At every start, where `confirm` is 'manual'. False when that could not be stored. */
  confirm(): Promise<boolean>
  /** The running release does not work: the next start rolls it back (one that was confirmed, after several of these). */
  crashed(): boolean
  /** Whoever uses the app does not want what runs: the next start goes back, and it is never tried again. */
  rollBack(): Promise<boolean>
  /** What runs. */
  current(): ReleaseName
  /** What the next start runs instead. */
  pending(): ReleaseName | null
  status(): OtaStatus
  /** Remembered on this device, and asked for from the next check on; null goes back to the configured one. */
  setChannel(channel: string | null): Promise<OtaStatus>
  /** Sends the reports that wait. */
  flushReports(): Promise<void>
  /** Returns the function that ends it. */
  on<Type extends OtaEvent['type']>(type: Type, listener: (event: OtaEventOf<Type>) => void): () => void
  state(): OtaState
  /** Called after each change of `state()`. Returns the function that ends it. */
  subscribe(listener: () => void): () => void
}

/** One per app and process. */
export function createOta(host: OtaHost): Ota {
  const { native } = host
  let isOff: Unavailable | null = native ? (host.isDevelopment ? 'development' : null) : 'native-module-missing'
  let configured: Promise<unknown> | undefined
  let isHearing = false
  const listeners = new Set<(event: OtaEvent) => void>()
  const watchers = new Set<() => void>()
  let state: OtaState = { status: readStatus(), phase: 'idle', progress: null, outcome: null }

  /** The native half, where updates work here. */
  function working(): NativeHotPatch | null {
    return isOff ? null : native
  }

  function readStatus(): OtaStatus {
    const at = working()
    return at ? statusOf(at.status()) : statusWithout(isOff ?? 'native-module-missing')
  }

  function change(next: Partial<OtaState>): void {
    state = { ...state, status: readStatus(), ...next }
    for (const watcher of watchers) watcher()
  }

  function hear(event: OtaEvent): void {
    if (event.type === 'state') change({ phase: event.state, ...(event.state !== 'downloading' && { progress: null }) })
    if (event.type === 'progress') change({ progress: event })
    for (const listener of listeners) listener(event)
  }

  function configure(options: OtaOptions): void {
    const configuration = readOptions(options)
    if (isOff === 'development' && options.inDevelopment) isOff = null
    const at = working()
    if (!at) {
      host.warn(isOff === 'development' ? IN_DEVELOPMENT : WITHOUT_NATIVE)
      return
    }
    if (!isHearing) {
      isHearing = true
      at.listen((event) => hear(eventOf(event)))
      if (options.countFatalErrors !== false) host.onFatalError(() => void crashed())
      if (options.confirm !== 'manual') host.onFirstRender(() => void confirm())
    }
    configured = at.configure(configuration).then(
      () => change({}),
      (cause: unknown) => {
        throw asConfigurationError(cause)
      },
    )
    // Said once, also where nobody asks for anything: without it updates would be missing in silence.
    configured.catch((error: unknown) => host.warn(`HotPatch: ${error instanceof Error ? error.message : 'failed'}`))
    // Not after the first render: an embedded bundle that crashes there could never be mended.
    if (options.checkOnLaunch !== false) sync().catch(() => undefined) // the warning above has said it
  }

  async function ask(question: (at: NativeHotPatch) => Promise<NativeOutcome>): Promise<UpdateOutcome> {
    const at = working()
    if (!at) return { kind: 'unavailable', reason: isOff ?? 'native-module-missing' }
    if (!configured)
      throw new ConfigurationError('not-configured', 'Call OTA.configure before anything is asked of it.')
    await configured
    try {
      const outcome = outcomeOf(await question(at))
      change({ outcome })
      return outcome
    } catch (cause) {
      throw asConfigurationError(cause)
    }
  }

  const check = () => ask((at) => at.check())
  const sync = () => ask((at) => at.sync())

  async function download({ onProgress }: { onProgress?: (progress: Progress) => void } = {}): Promise<UpdateOutcome> {
    const stop =
      onProgress && on('progress', ({ receivedBytes, sizeBytes }) => onProgress({ receivedBytes, sizeBytes }))
    try {
      return await ask((at) => at.download())
    } finally {
      stop?.()
    }
  }

  async function confirm(): Promise<boolean> {
    const at = working()
    if (!at) return true
    const isStored = await at.confirm()
    change({})
    return isStored
  }

  function crashed(): boolean {
    return working()?.crashed() ?? false
  }

  async function rollBack(): Promise<boolean> {
    return (await working()?.rollBack()) ?? false
  }

  async function restart(): Promise<boolean> {
    return (await working()?.restart()) ?? false
  }

  async function setChannel(channel: string | null): Promise<OtaStatus> {
    if (channel !== null) readOptions({ channel })
    await working()?.setChannel(channel)
    change({ outcome: null })
    return state.status
  }

  function on<Type extends OtaEvent['type']>(type: Type, listener: (event: OtaEventOf<Type>) => void): () => void {
    const heard = (event: OtaEvent) => {
      if (event.type === type) listener(event as OtaEventOf<Type>)
    }
    listeners.add(heard)
    return () => listeners.delete(heard)
  }

  return {
    configure,
    check,
    download,
    sync,
    apply: async () => (readStatus().staged ? restart() : false),
    restart,
    confirm,
    crashed,
    rollBack,
    current: () => readStatus().running,
    pending: () => readStatus().staged,
    status: readStatus,
    setChannel,
    flushReports: async () => working()?.flushReports(),
    on,
    state: () => state,
    subscribe: (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
  }
}

const IN_DEVELOPMENT =
  'HotPatch does nothing in development: JavaScript comes from Metro. (OTA.configure({ inDevelopment: true }) changes that.)'
const WITHOUT_NATIVE =
  'HotPatch does nothing: this app was built without its native half. Build the app again after installing ' +
  '@hotpatch/react-native (on iOS after "pod install"); Expo Go cannot have it.'
