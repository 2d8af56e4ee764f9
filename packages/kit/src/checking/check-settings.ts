import { isAllowedAddress, type AllowInsecure, type ClockPort, type HttpPort } from '@hotpatch/device-ground'
import type { OfferSignature } from '../offers/offer-signatures.ts'
import { MAX_OFFER_KEYS, type OfferCrypto } from '../offers/verify-offer.ts'
import { isApplicationName } from './check-record.ts'
import type { CheckOutcome } from './check-outcome.ts'
import type { CheckStore, SessionPort } from './check-store.ts'
import { DEV_CHANNEL, isChannelName } from './channel.ts'

/** What checks stand on. */
export interface CheckPorts {
  http: Pick<HttpPort, 'open'>
  clock: ClockPort
  crypto: OfferCrypto
  store: CheckStore
  session: SessionPort
  /** The text of the Kit Release Manifest of what is installed; undefined when there is none. */
  readInstalled(): Promise<string | undefined>
  /** False: a request would come to nothing. */
  isOnline?(): boolean
  /** Calls back once, when what people see is painted. Absent: after a moment. */
  whenPainted?(run: () => void): () => void
  /** Every check, for the log. */
  log?(entry: CheckLogEntry): void
}

export interface CheckLogEntry {
  at: number
  application: string
  channel: string
  isAsked: boolean
  outcome: CheckOutcome
}

/** A manifest that an installer has inside. */
export interface BundledManifest {
  manifestText: string
  signatures?: readonly OfferSignature[]
}

export interface KitChecksOptions {
  /** Which application of the kit this is, such as "gateway": each checks by itself. */
  application: string
  /** Absent: nobody is asked. */
  source?:
    | {
        url: string
        appId: string
        appKey?: string | undefined
        /** For development: "loopback" allows http: to this machine, `true` to anywhere. */
        allowInsecure?: AllowInsecure
      }
    | undefined
  /** Ed25519 keys in base64, and minisign keys (`RW…`). */
  publicKeys: readonly string[]
  /** As `chooseChannel` has it. */
  channel: string
  /** The only source on the channel dev. */
  bundled?: BundledManifest | undefined
  /** False: nobody is asked, not even when people want it. */
  isEnabled?: boolean | (() => boolean)
  /** Of this installation, where it has one: whose turn it is in a rollout. */
  installId?: string | undefined
  /** Of what would install it. */
  installerVersion?: string | undefined
  platform?: string | undefined
  architecture?: string | undefined
  /** Of one request. */
  timeoutMs?: number
  ports: CheckPorts
}

/**
 * What is wrong with them, for the log; undefined: nothing. They often come from an environment, and an application has to
 * start with a wrong one, too.
 */
export function faultOf({ application, channel, source, publicKeys }: KitChecksOptions): string | undefined {
  if (!isApplicationName(application)) {
    return `application: expected a name such as gateway, found ${JSON.stringify(application)}`
  }
  if (!isChannelName(channel)) return `channel: expected a name such as stable, found ${JSON.stringify(channel)}`
  if (source === undefined || channel === DEV_CHANNEL) return undefined
  if (!isAllowedAddress(source.url, source.allowInsecure ?? false)) {
    return 'source.url: expected the address of a server that begins with https:'
  }
  if (publicKeys.length === 0 || publicKeys.length > MAX_OFFER_KEYS) {
    return `publicKeys: expected 1 to ${MAX_OFFER_KEYS}, found ${publicKeys.length}`
  }
  return undefined
}
