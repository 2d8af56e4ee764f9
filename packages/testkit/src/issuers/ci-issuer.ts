import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose'

/** Of a token beside what every one has. */
export interface CiTokenOptions {
  audience?: string | string[]
  /** When it was issued, in milliseconds since 1970. */
  at?: number
  lifetimeSeconds?: number
  header?: Record<string, unknown>
  claims?: JWTPayload
}

interface IssuerKey {
  id: string
  publicKey: CryptoKey
  privateKey: CryptoKey
}

export type CiIssuer = Awaited<ReturnType<typeof startCiIssuer>>

/**
 * What gives identity tokens to CI jobs, as GitHub and GitLab do: a real server with discovery, a key set that is
 * rotated, and the address at which a job of GitHub's asks for its token.
 */
export async function startCiIssuer({ now = Date.now }: { now?: () => number } = {}) {
  const keys: IssuerKey[] = [await newKey()]
  /** The paths that were asked for. */
  const asked: string[] = []
  const overrides = new Map<string, (response: ServerResponse) => void>()
  const jobToken = randomUUID()
  let jobClaims: JWTPayload = {}

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', issuer)
    asked.push(pathname)
    const override = overrides.get(pathname)
    if (override) override(response)
    else void answer(pathname, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function answer(pathname: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (pathname === '/.well-known/openid-configuration') {
      return sendJson(response, {
        issuer,
        jwks_uri: `${issuer}/keys`,
        id_token_signing_alg_values_supported: ['RS256'],
      })
    }
    if (pathname === '/keys') {
      const jwks = await Promise.all(
        keys.map(async ({ id, publicKey }) => ({ ...(await exportJWK(publicKey)), kid: id, use: 'sig', alg: 'RS256' })),
      )
      return sendJson(response, { keys: jwks })
    }
    if (pathname === '/job-token' && request.headers.authorization === `bearer ${jobToken}`) {
      const audience = new URL(request.url ?? '', issuer).searchParams.get('audience') ?? 'https://github.com/acme'
      return sendJson(response, { count: 1, value: await sign({ audience, claims: jobClaims }) })
    }
    response.writeHead(404).end()
  }

  function sign({ audience, at = now(), lifetimeSeconds = 300, header, claims }: CiTokenOptions): Promise<string> {
    const [{ id, privateKey }] = keys.slice(-1) as [IssuerKey]
    const issuedAt = Math.floor(at / 1000)
    const payload = { iss: issuer, iat: issuedAt, exp: issuedAt + lifetimeSeconds, jti: randomUUID(), ...claims }
    return new SignJWT({ ...payload, ...(audience !== undefined && { aud: audience }) })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: id, ...header })
      .sign(privateKey)
  }

  return {
    issuer,
    asked,
    sign,
    publicJwk: () => exportJWK((keys.at(-1) as IssuerKey).publicKey),
    /** Signs with a new key from now on. */
    async rotate({ keepsOld = true } = {}): Promise<void> {
      const key = await newKey()
      if (!keepsOld) keys.length = 0
      keys.push(key)
    },
    /** Answers a path otherwise; undefined: as before. */
    answerWith(path: string, answer: ((response: ServerResponse) => void) | undefined): void {
      if (answer) overrides.set(path, answer)
      else overrides.delete(path)
    },
    /** The variables by which a job of GitHub's with `id-token: write` gets its token. */
    githubJob(claims: JWTPayload): Record<string, string> {
      jobClaims = claims
      return {
        ACTIONS_ID_TOKEN_REQUEST_URL: `${issuer}/job-token?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: jobToken,
      }
    },
    close(): Promise<void> {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function newKey(): Promise<IssuerKey> {
  const pair = await generateKeyPair('RS256', { extractable: true })
  return { id: randomUUID(), ...pair }
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
