import { createEngine, type Ports } from '@hotpatch/client'
import { createMemoryFiles } from '@hotpatch/client/memory'
import { createNodeClock, createNodeCrypto, createNodeHttp } from '@hotpatch/client/node'

export interface PhoneOptions {
  id: string
  serverUrl: string
  app: { id: string; appKey: string }
  publicKey: string
  /** Whether this version of the app dies before its first screen. */
  crashesOn: (version: string) => boolean
}

/** What the story tells of one phone. */
export interface PhoneState {
  /** "embedded" is what the store shipped. */
  version: string
  crashes: number
  /** Versions that it gave up by itself. */
  rolledBackFrom: Set<string>
}

export type Phone = ReturnType<typeof createPhone>

const EMBEDDED = 'embedded'

/** A simulated phone: the real device engine on a disk in memory, talking HTTP to a real server. */
export function createPhone({ id, serverUrl, app, publicKey, crashesOn }: PhoneOptions) {
  const ports: Omit<Ports, 'host'> = {
    files: createMemoryFiles(),
    http: createNodeHttp(),
    crypto: createNodeCrypto(),
    clock: createNodeClock(),
  }
  const config = {
    serverUrl,
    appId: app.id,
    appKey: app.appKey,
    deviceId: id,
    channel: 'production',
    publicKeys: [publicKey],
    allowInsecure: 'loopback' as const,
  }
  const state: PhoneState = { version: EMBEDDED, crashes: 0, rolledBackFrom: new Set() }

  /** Its owner opens the app once. */
  async function open(): Promise<void> {
    const engine = createEngine({ ...ports, host: { nativeVersion: '1.0', platform: 'android' } }, config)
    const launched = await engine.start()
    const version = launched.kind === 'release' ? launched.version : EMBEDDED
    if (version !== state.version && crashesOn(state.version)) state.rolledBackFrom.add(state.version)
    state.version = version
    if (crashesOn(version)) {
      state.crashes += 1
      return
    }
    await engine.confirm()
    await engine.sync()
  }

  return { id, state, open }
}
