import type { Configuration, CustomFetchOptions } from 'openid-client'
import type { AskIssuer } from '../issuers/ask-issuer.ts'
import type { Issuers } from '../issuers/issuers.ts'
import { mergeClaims, type Claims } from './merge-claims.ts'
import type { SingleSignOnSettings } from './settings-service.ts'

/** What one sign-in has to come back with. */
export interface Expected {
  state: string
  nonce: string
  codeVerifier: string
}

/** What the issuer has said of somebody, and it was verified. */
export interface Identity {
  issuer: string
  subject: string
  claims: Claims
}

export type OpenIdConnect = ReturnType<typeof createOpenIdConnect>

/** Loaded by the first who signs in this way. */
const loadLibrary = () => import('openid-client')

/** The code flow with PKCE, by the library that has it; what is asked of the issuer goes by our rules of addresses. */
export function createOpenIdConnect({ issuers, ask }: { issuers: Issuers; ask: AskIssuer }) {
  /** Where the browser goes. */
  async function begin(
    settings: SingleSignOnSettings,
    redirectUri: string,
  ): Promise<{ address: URL; expected: Expected }> {
    const client = await loadLibrary()
    const configuration = await configure(settings)
    const expected = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      codeVerifier: client.randomPKCECodeVerifier(),
    }
    const address = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: settings.scopes.join(' '),
      state: expected.state,
      nonce: expected.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(expected.codeVerifier),
      code_challenge_method: 'S256',
    })
    return { address, expected }
  }

  /**
   * Who came back.
   * @param address that the browser was sent to, with what the issuer put into it
   * @throws an error of the library, or problem issuer-unusable or issuer-address-refused
   */
  async function finish(settings: SingleSignOnSettings, address: URL, expected: Expected): Promise<Identity> {
    const client = await loadLibrary()
    const configuration = await configure(settings)
    const tokens = await client.authorizationCodeGrant(configuration, address, {
      expectedState: expected.state,
      expectedNonce: expected.nonce,
      pkceCodeVerifier: expected.codeVerifier,
      idTokenExpected: true,
    })
    const claims = tokens.claims()
    if (!claims) throw new Error('The library lets no answer without an identity token through.')
    const hasUserInfo = configuration.serverMetadata().userinfo_endpoint !== undefined
    // Many issuers tell groups there alone. The library holds the subject against that of the token.
    const more = hasUserInfo ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub) : {}
    return { issuer: settings.issuer, subject: claims.sub, claims: mergeClaims(claims, more) }
  }

  async function configure(settings: SingleSignOnSettings): Promise<Configuration> {
    const client = await loadLibrary()
    const { document } = await issuers.describe(settings.issuer)
    const metadata = { ...document, issuer: settings.issuer, ...onlyAsymmetric(document) }
    const { clientSecret } = settings
    const configuration = new client.Configuration(metadata, settings.clientId, {}, authenticate())
    configuration[client.customFetch] = fetchBounded
    // Also that of the token endpoint: what TLS vouches for, somebody in between may have ended.
    client.enableNonRepudiationChecks(configuration)
    // The rules of addresses say where that may be.
    client.allowInsecureRequests(configuration)
    return configuration

    function authenticate() {
      if (clientSecret === null) return client.None()
      const methods = document.token_endpoint_auth_methods_supported
      const takesBasic = !Array.isArray(methods) || methods.includes('client_secret_basic')
      return takesBasic ? client.ClientSecretBasic(clientSecret) : client.ClientSecretPost(clientSecret)
    }
  }

  async function fetchBounded(address: string, { method, headers, body }: CustomFetchOptions): Promise<Response> {
    const answer = await ask(address, {
      method: method === 'POST' ? 'POST' : 'GET',
      headers,
      ...(body !== undefined && body !== null && { body: textOf(body) }),
    })
    const isEmpty = [204, 205, 304].includes(answer.status)
    return new Response(isEmpty ? null : answer.text, {
      status: answer.status,
      headers: { 'content-type': answer.contentType },
    })
  }

  return { begin, finish }
}

/** A symmetric one would make everybody who knows the client's secret an issuer. */
function onlyAsymmetric(document: Readonly<Record<string, unknown>>): object {
  const told = document.id_token_signing_alg_values_supported
  if (!Array.isArray(told)) return {}
  const names = told.filter((name): name is string => typeof name === 'string' && /^(?:RS|PS|ES|Ed)/.test(name))
  return { id_token_signing_alg_values_supported: names }
}

function textOf(body: NonNullable<CustomFetchOptions['body']>): string {
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new Error('The library sends forms only.')
}
