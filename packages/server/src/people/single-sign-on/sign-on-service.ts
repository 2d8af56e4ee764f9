import { seenOfName, type SignOnRefusal } from '@hotpatch/api'
import type { FastifyBaseLogger } from 'fastify'
import type { Arrivals } from '../accounts/persons/arrivals.ts'
import type { Browser } from '../accounts/sign-in/browser.ts'
import type { SignInService } from '../accounts/sign-in/sign-in-service.ts'
import { grantsOfGroups, groupsOf, hasTooManyGroups } from './group-grants.ts'
import type { Identity, OpenIdConnect } from './open-id-connect.ts'
import { CALLBACK_PATH, type SettingsService, type SingleSignOnSettings } from './settings-service.ts'
import type { SignInState, SignInStates } from './sign-in-states.ts'

/** Where a browser goes from here, and with which cookies. */
export interface Onward {
  address: string
  cookies: readonly string[]
}

const MAX_NAME = 100
/** It is kept in a cookie for each tab, and a browser sends them all along. */
const MAX_RETURN_TO = 500

export type SignOnService = ReturnType<typeof createSignOnService>

/** Sign-in at an issuer: there, and back. */
export function createSignOnService({
  settings,
  openIdConnect,
  states,
  arrivals,
  signIns,
  log,
}: {
  settings: Pick<SettingsService, 'find'>
  openIdConnect: OpenIdConnect
  states: SignInStates
  arrivals: Arrivals
  signIns: Pick<SignInService, 'beginSession'>
  log: Pick<FastifyBaseLogger, 'warn' | 'info'>
}) {
  /** @param publicUrl where this server is, as the browser sees it */
  async function begin(returnTo: string | undefined, browser: Browser, publicUrl: string): Promise<Onward> {
    const found = await settings.find()
    const back = pageOfConsole(returnTo, publicUrl)
    if (!found) return refused('not-offered', back, publicUrl)
    try {
      const { address, expected } = await openIdConnect.begin(found, publicUrl + CALLBACK_PATH)
      const state = { ...expected, issuer: found.issuer, clientId: found.clientId, returnTo: back }
      return { address: address.href, cookies: await states.keep(state, browser) }
    } catch (error) {
      log.warn({ err: error, issuer: found.issuer }, 'nobody can sign in at the issuer')
      return refused('issuer-failed', back, publicUrl)
    }
  }

  /** @param query as the issuer has written it */
  async function finish(query: string, browser: Browser, publicUrl: string): Promise<Onward> {
    const address = new URL(publicUrl + CALLBACK_PATH)
    address.search = query
    const given = address.searchParams.get('state') ?? ''
    const state = await states.find(given, browser)
    const found = await settings.find()
    // Begun in another browser, long ago, or with what was configured before.
    if (!state || found?.issuer !== state.issuer || found.clientId !== state.clientId) {
      return refused('expired', pageOfConsole(undefined, publicUrl), publicUrl)
    }
    const came = await arrive(found, address, state, browser)
    const onward =
      typeof came === 'string'
        ? refused(came, state.returnTo, publicUrl)
        : { address: state.returnTo, cookies: came.cookies }
    return { ...onward, cookies: [states.end(given, browser), ...onward.cookies] }
  }

  /** The cookies of whoever is let in. */
  async function arrive(
    found: SingleSignOnSettings,
    address: URL,
    state: SignInState,
    browser: Browser,
  ): Promise<SignOnRefusal | { cookies: readonly string[] }> {
    if (address.searchParams.has('error')) {
      const error = address.searchParams.get('error')?.slice(0, 100)
      log.info({ issuer: found.issuer, error }, 'the issuer let somebody not sign in')
      return 'denied'
    }
    const identity = await identify(found, address, state)
    if (!identity) return 'issuer-failed'
    const outcome = await arrivals.receive(arrivalOf(identity, found), found, browser)
    if (outcome.kind === 'refused') return outcome.reason
    return signIns.beginSession(outcome.personId, browser, { lifetimeMs: found.sessionMs })
  }

  async function identify(
    found: SingleSignOnSettings,
    address: URL,
    state: SignInState,
  ): Promise<Identity | undefined> {
    try {
      const identity = await openIdConnect.finish(found, address, state)
      if (!hasTooManyGroups(identity.claims, found.groupClaim)) return identity
      log.warn({ issuer: found.issuer }, 'the issuer leaves groups out as there are too many: let it tell fewer')
    } catch (error) {
      log.warn({ err: error, issuer: found.issuer }, 'an answer of the issuer is not taken')
    }
    return undefined
  }

  return { begin, finish }
}

function arrivalOf({ issuer, subject, claims }: Identity, settings: SingleSignOnSettings) {
  const email = typeof claims.email === 'string' && claims.email.includes('@') ? claims.email : undefined
  const given = grantsOfGroups(groupsOf(claims, settings.groupClaim), settings.groups)
  const told = typeof claims.name === 'string' ? seenOfName(claims.name.slice(0, MAX_NAME)) : ''
  const name = told === '' ? seenOfName((email ?? subject).slice(0, MAX_NAME)) : told
  return {
    issuer,
    subject,
    name,
    email,
    // Some say it as text; what is neither says no.
    isEmailVerified: settings.believesEmails || claims.email_verified === true || claims.email_verified === 'true',
    grants: given.map(({ role, appId }) => ({ role, app_id: appId })),
  }
}

function refused(reason: SignOnRefusal, returnTo: string, publicUrl: string): Onward {
  const query = new URLSearchParams({ refused: reason, returnTo })
  return { address: `${consoleOf(publicUrl)}sign-in?${query.toString()}`, cookies: [] }
}

/** Nowhere else: an address that leads elsewhere would be a trap with our name on it. */
function pageOfConsole(returnTo: string | undefined, publicUrl: string): string {
  const first = consoleOf(publicUrl)
  if (returnTo === undefined || !URL.canParse(returnTo, publicUrl)) return first
  const url = new URL(returnTo, publicUrl)
  const isOurs = url.origin === new URL(publicUrl).origin && url.pathname.startsWith(first)
  const page = url.pathname + url.search
  return isOurs && page.length <= MAX_RETURN_TO ? page : first
}

/** A proxy may have put the server anywhere. */
function consoleOf(publicUrl: string): string {
  return `${new URL(publicUrl).pathname.replace(/\/$/, '')}/dashboard/`
}
