import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider, type Adapter, type AdapterPayload } from 'oidc-provider'

/** Somebody at the issuer, whose facts a test may change at any time. */
export interface Account {
  sub: string
  name: string
  email?: string
  email_verified?: boolean
  groups?: string[]
  [claim: string]: unknown
}

export type OpenIdProvider = Awaited<ReturnType<typeof startOpenIdProvider>>

const CLIENT = { id: 'hotpatch', secret: 'the secret of the client' }
const INTERACTION = /^\/interaction\/([\w-]+)$/

/**
 * A real issuer of OpenID Connect on a port, by a certified library: discovery, the code flow with PKCE, signed tokens.
 * Its page to sign in has a button for each account.
 * @param redirectUris that it sends browsers back to
 */
export async function startOpenIdProvider({ redirectUris }: { redirectUris: readonly string[] }) {
  const accounts = new Map<string, Account>()
  /** Paths that are answered otherwise. */
  const overrides = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    const override = overrides.get(path)
    if (override) override(request, response)
    else if (INTERACTION.test(path)) void interact(request, response)
    else void serve(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [...redirectUris] }],
    jwks: { keys: [await newSigningKey()] },
    adapter: keptInMemory(),
    cookies: { keys: [randomBytes(32).toString('hex')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    ttl: { Session: 3600, Interaction: 600, Grant: 3600, AccessToken: 600, IdToken: 600 },
    findAccount: (_context, id) => {
      const account = accounts.get(id)
      return account && { accountId: id, claims: () => ({ ...account }) }
    },
    // Nobody is asked whether HotPatch may know who signs in.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      })
      grant.addOIDCScope('openid email profile groups')
      await grant.save()
      return grant
    },
  })
  const serve = provider.callback()

  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      const buttons = [...accounts.values()].map(
        ({ sub, name }) => `<button name="account" value="${sub}">${name}</button>`,
      )
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(
        `<!doctype html><title>Issuer</title><form method="post">${buttons.join('')}<button name="account" value="">Cancel</button></form>`,
      )
      return
    }
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const accountId = new URLSearchParams(body).get('account') ?? ''
    const result = accountId === '' ? { error: 'access_denied' } : { login: { accountId, remember: false } }
    await provider.interactionFinished(request, response, result)
  }

  return {
    issuer,
    client: CLIENT,
    accounts,
    answerWith(path: string, answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined): void {
      if (answer) overrides.set(path, answer)
      else overrides.delete(path)
    },
    /** As a browser would with a jar of its own: from the issuer's address to the one that it sends the browser back to. */
    async signIn(address: string, account: Pick<Account, 'sub'> | undefined): Promise<string> {
      const jar = new Map<string, string>()
      let next = new URL(address, issuer)
      for (let hop = 0; hop < 10; hop += 1) {
        if (next.origin !== issuer) return next.href
        const isInteraction = INTERACTION.test(next.pathname)
        const response = await fetch(next, {
          redirect: 'manual',
          headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
          ...(isInteraction && { method: 'POST', body: new URLSearchParams({ account: account?.sub ?? '' }) }),
        })
        for (const line of response.headers.getSetCookie()) {
          const [pair = ''] = line.split(';')
          jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
        }
        const location = response.headers.get('location')
        if (location === null) throw new Error(`The issuer stopped at ${next.pathname}: ${await response.text()}`)
        next = new URL(location, next)
      }
      throw new Error('The issuer goes in a circle.')
    },
    close(): Promise<void> {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function newSigningKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: randomBytes(8).toString('hex') }
}

/** Where the issuer keeps sessions, codes and tokens: its own place for that warns that it is for tests. */
function keptInMemory(): (model: string) => Adapter {
  const kept = new Map<string, AdapterPayload>()
  return (model) => {
    const keyOf = (id: string) => `${model} ${id}`
    const find = (fits: (payload: AdapterPayload) => boolean) => Promise.resolve([...kept.values()].find(fits))
    return {
      upsert: async (id, payload) => void kept.set(keyOf(id), payload),
      find: (id) => Promise.resolve(kept.get(keyOf(id))),
      findByUid: (uid) => find((payload) => payload.kind === model && payload.uid === uid),
      findByUserCode: (code) => find((payload) => payload.userCode === code),
      consume: async (id) => void Object.assign(kept.get(keyOf(id)) ?? {}, { consumed: Math.floor(Date.now() / 1000) }),
      destroy: async (id) => void kept.delete(keyOf(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key)
      },
    }
  }
}
