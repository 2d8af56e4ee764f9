import { problem } from '@hotpatch/protocol'
import { createLocalJWKSet, type JWK, type LocalJWKSet } from 'jose'
import { elapsedOn, MINUTE_MS, SECOND_MS, type Clock } from '../../ground/clock.ts'
import { askForJson, type AskIssuer } from './ask-issuer.ts'

/** A key that an issuer withdraws is believed no longer than this. */
const FRESH_MS = 10 * MINUTE_MS
/** How soon an issuer is asked again, for a key that it did not have or because it did not answer. */
const PAUSE_MS = 30 * SECOND_MS
const PAUSE_AFTER_FAILURE_MS = 5 * SECOND_MS
const MAX_KEYS = 100
/** Of which something is remembered. */
const MAX_ISSUERS = 200

/** What an issuer says of itself (OpenID Connect Discovery 1.0 §3). */
export interface IssuerMetadata {
  issuer: string
  jwksUri: string
  /** All of it, as it came. */
  document: Readonly<Record<string, unknown>>
}

interface Known {
  metadata: IssuerMetadata
  keys: LocalJWKSet
  keyIds: ReadonlySet<string>
  askedAt: number
}

/** What came of the newest try, and what is known of one before. */
interface Remembered {
  triedAt: number
  error: unknown
  known: Known | undefined
}

export type Issuers = ReturnType<typeof createIssuers>

/** What issuers of OpenID Connect say of themselves, and their keys: asked when needed, and remembered for a while. */
export function createIssuers({ ask, clock }: { ask: AskIssuer; clock: Clock }) {
  const remembered = new Map<string, Remembered>()
  const asking = new Map<string, Promise<Known>>()

  /** As it was a while ago at most. @throws problem issuer-address-refused or issuer-unusable */
  async function describe(issuer: string): Promise<IssuerMetadata> {
    return (await get(issuer)).metadata
  }

  /** As it is now. @throws problem issuer-address-refused or issuer-unusable */
  async function describeAnew(issuer: string): Promise<IssuerMetadata> {
    return (await askOnce(issuer)).metadata
  }

  /**
   * @param keyId that the issuer is asked for again when it is not among those that it had
   * @throws problem issuer-address-refused or issuer-unusable
   */
  async function keysOf(issuer: string, keyId: string | undefined): Promise<LocalJWKSet> {
    const known = await get(issuer)
    const isNew = keyId !== undefined && !known.keyIds.has(keyId)
    const triedAt = remembered.get(issuer)?.triedAt ?? known.askedAt
    // Anybody can invent an id: an issuer is not asked for each.
    if (!isNew || elapsedOn(clock) - triedAt < PAUSE_MS) return known.keys
    return (await askOnce(issuer)).keys
  }

  async function get(issuer: string): Promise<Known> {
    const last = remembered.get(issuer)
    const now = elapsedOn(clock)
    if (last?.known && now - last.known.askedAt < FRESH_MS) return last.known
    if (last?.error !== undefined && now - last.triedAt < PAUSE_AFTER_FAILURE_MS) throw last.error
    return askOnce(issuer)
  }

  /** Of many that want to know at once, one asks. */
  function askOnce(issuer: string): Promise<Known> {
    const under = asking.get(issuer)
    if (under) return under
    const asked = askAnew(issuer).finally(() => asking.delete(issuer))
    asking.set(issuer, asked)
    return asked
  }

  async function askAnew(issuer: string): Promise<Known> {
    const askedAt = elapsedOn(clock)
    try {
      const metadata = await discover(ask, issuer)
      const known = { metadata, ...(await fetchKeys(ask, metadata.jwksUri)), askedAt }
      remember(issuer, { triedAt: askedAt, error: undefined, known })
      return known
    } catch (error) {
      remember(issuer, { triedAt: askedAt, error, known: remembered.get(issuer)?.known })
      throw error
    }
  }

  function remember(issuer: string, what: Remembered): void {
    remembered.delete(issuer)
    const [oldest] = remembered.keys()
    if (remembered.size >= MAX_ISSUERS && oldest !== undefined) remembered.delete(oldest)
    remembered.set(issuer, what)
  }

  return { describe, describeAnew, keysOf }
}

async function discover(ask: AskIssuer, issuer: string): Promise<IssuerMetadata> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const found = await askForJson(ask, address)
  // Discovery §4.3: else one issuer could speak for another.
  if (found.issuer !== issuer) {
    const detail = `Expected ${address} to name "${issuer}" as its issuer, found ${JSON.stringify(found.issuer)?.slice(0, 300) ?? 'none'}.`
    throw problem('issuer-unusable', detail)
  }
  const jwksUri = textOf(found.jwks_uri)
  if (jwksUri === undefined) throw problem('issuer-unusable', `Expected jwks_uri at ${address}, found none.`)
  return { issuer, jwksUri, document: found }
}

async function fetchKeys(ask: AskIssuer, address: string): Promise<Pick<Known, 'keys' | 'keyIds'>> {
  const { keys: found } = await askForJson(ask, address)
  if (!Array.isArray(found) || found.length > MAX_KEYS) {
    throw problem('issuer-unusable', `Expected at most ${MAX_KEYS} keys at ${address}, found something else.`)
  }
  // A symmetric key that everybody can read would be nobody's.
  const usable = (found as JWK[]).filter(
    (key) => typeof key === 'object' && key !== null && typeof key.kty === 'string' && key.kty !== 'oct',
  )
  try {
    const keys = createLocalJWKSet({ keys: usable })
    return { keys, keyIds: new Set(usable.flatMap(({ kid }) => (typeof kid === 'string' ? [kid] : []))) }
  } catch (cause) {
    throw problem('issuer-unusable', `Expected a set of JSON Web Keys at ${address}.`, {}, { cause })
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
