import type { NewPasskey, Passkey, PasskeyOptions, Passkeys, PasskeySignIn } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server'
import type { AuditService } from '../../audit/audit-service.ts'
import type { Caller } from '../../authors/author.ts'
import { MINUTE_MS, nullableTimestamp, timestamp, type Clock } from '../../../ground/clock.ts'
import { isUniqueViolation } from '../../../ground/database/database-errors.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { findPerson } from '../tables/person-table.ts'
import type { Browser } from '../sign-in/browser.ts'
import {
  deletePasskey,
  findPasskey,
  insertCeremony,
  insertPasskey,
  listPasskeys,
  notePasskeyUse,
  takeCeremony,
  type PasskeyRow,
} from './passkey-store.ts'

const CEREMONY_MS = 5 * MINUTE_MS
const MAX_PASSKEYS = 20

/** Loaded by the first who uses one. */
const loadWebAuthn = () => import('@simplewebauthn/server')
const loadReaders = () => import('@simplewebauthn/server/helpers')

interface Ceremony {
  challenge: string
  /** Whose passkey is made; null at a sign-in, which says whose it is by itself. */
  personId: string | null
}

export type PasskeyService = ReturnType<typeof createPasskeyService>

/** Passkeys (WebAuthn): a device shows that it has the key, and has verified who holds it. That is both factors. */
export function createPasskeyService({
  db,
  audit,
  clock,
  newId,
}: {
  db: Database
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  async function list(personId: string): Promise<Passkeys> {
    return { items: (await listPasskeys(db, personId)).map(render) }
  }

  async function beginRegistration(personId: string, browser: Browser): Promise<PasskeyOptions> {
    const person = await findPerson(db, personId)
    const known = await listPasskeys(db, personId)
    if (known.length >= MAX_PASSKEYS) {
      throw problem(
        'passkey-refused',
        `This account has ${MAX_PASSKEYS} passkeys already: remove one that you do not use.`,
      )
    }
    const { generateRegistrationOptions } = await loadWebAuthn()
    const options = await generateRegistrationOptions({
      rpName: 'HotPatch',
      rpID: siteOf(browser),
      userID: new TextEncoder().encode(personId),
      userName: person?.email ?? '',
      userDisplayName: person?.name ?? '',
      attestationType: 'none',
      excludeCredentials: known.map((row) => ({ id: row.credential_id, transports: transportsOf(row) })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    })
    return { ceremony: await keep({ challenge: options.challenge, personId }), options }
  }

  async function register(
    { ceremony, name, response }: NewPasskey,
    browser: Browser,
    author: Caller,
  ): Promise<Passkey> {
    const { challenge, personId } = await take(ceremony)
    if (personId !== author.actor.id) throw refused('It was begun by somebody else.')
    const { verifyRegistrationResponse } = await loadWebAuthn()
    const given = response as RegistrationResponseJSON
    await requireNoCertificates(given)
    const { registrationInfo } = await verifyRegistrationResponse({
      response: given,
      expectedChallenge: challenge,
      expectedOrigin: browser.origin,
      expectedRPID: siteOf(browser),
      requireUserVerification: true,
    }).catch((cause: unknown) => {
      throw refused('What the browser answered does not fit.', cause)
    })
    if (!registrationInfo) throw refused('What the browser answered does not fit.')
    const { credential } = registrationInfo
    const row: PasskeyRow = {
      id: newId(),
      person_id: personId,
      name: name.trim(),
      credential_id: credential.id,
      public_key: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: JSON.stringify((credential.transports ?? []).slice(0, 10)),
      is_backed_up: registrationInfo.credentialBackedUp ? 1 : 0,
      created_at: clock.now(),
      used_at: null,
    }
    try {
      await db.transaction().execute(async (tx) => {
        await insertPasskey(tx, row)
        await audit.record(tx, author, {
          action: 'person.passkey-added',
          subject: ['person', personId],
          after: { passkey: row.id, name: row.name },
        })
      })
    } catch (error) {
      if (isUniqueViolation(error)) throw refused('This passkey is here already.', error)
      throw error
    }
    return render(row)
  }

  async function remove(id: string, author: Caller): Promise<void> {
    await db.transaction().execute(async (tx) => {
      if (!(await deletePasskey(tx, author.actor.id, id))) {
        throw problem('passkey-not-found', `You have no passkey with the id ${id}.`)
      }
      await audit.record(tx, author, {
        action: 'person.passkey-removed',
        subject: ['person', author.actor.id],
        before: { passkey: id },
      })
    })
  }

  /** The same for everybody: the browser knows for whom it has passkeys here. */
  async function beginSignIn(browser: Browser): Promise<PasskeyOptions> {
    const { generateAuthenticationOptions } = await loadWebAuthn()
    const options = await generateAuthenticationOptions({ rpID: siteOf(browser), userVerification: 'required' })
    return { ceremony: await keep({ challenge: options.challenge, personId: null }), options }
  }

  /** Whose passkey it is; undefined when it lets nobody in. */
  async function verify({ ceremony, response }: PasskeySignIn, browser: Browser): Promise<string | undefined> {
    const { challenge, personId } = await take(ceremony)
    const given = response as AuthenticationResponseJSON
    const row = typeof given.id === 'string' ? await findPasskey(db, given.id) : undefined
    if (!row || personId !== null) return undefined
    const { verifyAuthenticationResponse } = await loadWebAuthn()
    const found = await verifyAuthenticationResponse({
      response: given,
      expectedChallenge: challenge,
      expectedOrigin: browser.origin,
      expectedRPID: siteOf(browser),
      requireUserVerification: true,
      credential: {
        id: row.credential_id,
        publicKey: new Uint8Array(Buffer.from(row.public_key, 'base64url')),
        counter: row.counter,
        transports: transportsOf(row),
      },
    }).catch(() => {
      // Whatever is wrong with it: nobody is told more than that it does not fit.
      return { verified: false } as const
    })
    if (!found.verified) return undefined
    const { newCounter, credentialBackedUp } = found.authenticationInfo
    await notePasskeyUse(db, row.id, {
      counter: newCounter,
      is_backed_up: credentialBackedUp ? 1 : 0,
      used_at: clock.now(),
    })
    return row.person_id
  }

  async function keep(ceremony: Ceremony): Promise<string> {
    const id = newId()
    const now = clock.now()
    await insertCeremony(db, { id, value: JSON.stringify(ceremony), now, expiresAt: now + CEREMONY_MS })
    return id
  }

  async function take(id: string): Promise<Ceremony> {
    const row = await takeCeremony(db, id, clock.now())
    if (row) return JSON.parse(row.value) as Ceremony
    throw refused('It took more than 5 minutes, or came twice.')
  }

  return { list, beginRegistration, register, remove, beginSignIn, verify }
}

/**
 * We ask for no certificates, and take none: the library would look up, at addresses that they name, whether they were
 * revoked.
 */
async function requireNoCertificates({ response }: RegistrationResponseJSON): Promise<void> {
  const { decodeAttestationObject } = await loadReaders()
  let certificates: unknown
  let format: string
  try {
    const bytes = new Uint8Array(Buffer.from(response.attestationObject, 'base64url'))
    const attestation = decodeAttestationObject(bytes)
    format = attestation.get('fmt')
    certificates = attestation.get('attStmt').get('x5c')
  } catch (cause) {
    throw refused('What the browser answered cannot be read.', cause)
  }
  if (certificates !== undefined || !['none', 'packed'].includes(format)) {
    throw refused('It came with certificates of its maker, which were not asked for.')
  }
}

function siteOf({ origin }: Browser): string {
  return new URL(origin).hostname
}

function transportsOf(row: PasskeyRow): string[] {
  return JSON.parse(row.transports) as string[]
}

function render(row: PasskeyRow): Passkey {
  return {
    id: row.id,
    name: row.name,
    isSynced: row.is_backed_up === 1,
    createdAt: timestamp(row.created_at),
    usedAt: nullableTimestamp(row.used_at),
  }
}

function refused(detail: string, cause?: unknown): Error {
  return problem('passkey-refused', detail, {}, { cause })
}
