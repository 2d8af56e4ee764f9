import type { Spec } from '../NativeHotPatch.ts'
import type { NativeConfiguration, NativeEvent, NativeOutcome, NativeStatus } from './messages.ts'

/** The native half, with shapes in place of texts. */
export interface NativeHotPatch {
  status(): NativeStatus
  configure(configuration: NativeConfiguration): Promise<NativeStatus>
  check(): Promise<NativeOutcome>
  download(): Promise<NativeOutcome>
  sync(): Promise<NativeOutcome>
  confirm(): Promise<boolean>
  crashed(): boolean
  rollBack(): Promise<boolean>
  restart(): Promise<boolean>
  setChannel(channel: string | null): Promise<NativeStatus>
  flushReports(): Promise<void>
  /** Returns the function that ends it. */
  listen(listener: (event: NativeEvent) => void): () => void
}

/** What both architectures give: a Turbo Module, or what the old bridge has in NativeModules. */
export type ModuleOfApp = Omit<Spec, 'getConstants' | 'addListener' | 'removeListeners'>

/** Of React Native's NativeEventEmitter. */
export interface EventsOfApp {
  addListener(eventName: string, listener: (event: unknown) => void): { remove(): void }
}

export function connectNative(module: ModuleOfApp, events: EventsOfApp): NativeHotPatch {
  return {
    status: () => read(module.status()) as NativeStatus,
    configure: async (configuration) => read(await module.configure(JSON.stringify(configuration))) as NativeStatus,
    check: async () => read(await module.check()) as NativeOutcome,
    download: async () => read(await module.download()) as NativeOutcome,
    sync: async () => read(await module.sync()) as NativeOutcome,
    confirm: () => module.confirm(),
    crashed: () => module.crashed(),
    rollBack: () => module.rollBack(),
    restart: () => module.restart(),
    setChannel: async (channel) => read(await module.setChannel(channel)) as NativeStatus,
    flushReports: () => module.flushReports(),
    listen: (listener) => {
      const subscription = events.addListener('HotPatchEvent', (event) => listener(read(event) as NativeEvent))
      return () => subscription.remove()
    },
  }
}

function read(text: unknown): unknown {
  if (typeof text === 'string') return JSON.parse(text)
  throw new TypeError(
    `@hotpatch/react-native: expected JSON from the native half, found ${typeof text}. ` +
      'The app was built with another version of it: build the app again.',
  )
}
