import { proxiedFetch } from '../config/proxy.ts'
import { CommandError } from '../errors/errors.ts'
import type { CliContext } from '../process/context.ts'

const TIMEOUT_MS = 10_000

/** What a CI job can show of itself. */
export interface IdentitySource {
  /** Whether it gives another token each time; else the same one comes again, which the server takes once. */
  isFresh: boolean
  ask(audience: string): Promise<string>
}

/** @throws CommandError when no CI says who the job is */
export function findIdentitySource(context: CliContext): IdentitySource {
  const { env } = context
  const given = env.HOTPATCH_ID_TOKEN
  if (given !== undefined) return { isFresh: false, ask: () => Promise.resolve(given.trim()) }
  const [url, token] = [env.ACTIONS_ID_TOKEN_REQUEST_URL, env.ACTIONS_ID_TOKEN_REQUEST_TOKEN]
  if (url !== undefined && token !== undefined) {
    return { isFresh: true, ask: (audience) => askGitHub(context, { url, token, audience }) }
  }
  throw new CommandError(
    'identity-missing',
    'This job has no identity token. On GitHub give it "permissions: id-token: write", on GitLab "id_tokens" with ' +
      'HOTPATCH_ID_TOKEN; elsewhere set HOTPATCH_ID_TOKEN to what the CI gives.',
  )
}

async function askGitHub(
  { env, signal }: CliContext,
  { url, token, audience }: { url: string; token: string; audience: string },
): Promise<string> {
  const address = new URL(url)
  address.searchParams.set('audience', audience)
  const send = proxiedFetch(env, url)
  try {
    const response = await send(address, {
      headers: { authorization: `bearer ${token}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    const body = response.ok ? ((await response.json()) as { value?: unknown }) : {}
    if (typeof body.value === 'string') return body.value
    throw new Error(`the status ${response.status} and no token`)
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : 'none'
    throw new CommandError('identity-missing', `Expected an identity token of GitHub, found ${found}.`, { cause })
  }
}
