import type { CliContext } from '../process/context.ts'
import { CommandError, hasCode, rootCauses, rootReason } from '../errors/errors.ts'

/** What the standard variables say of requests to one address. */
export interface Proxy {
  /** The variable. */
  source: string
  uri: string
  /** Without a user name and a password: for messages. */
  shown: string
  /** Addresses that are talked to directly. */
  exceptions: string
}

/** Undefined when no variable names one for this kind of address. */
export function findProxy(env: CliContext['env'], url: string): Proxy | undefined {
  const names = url.startsWith('https:') ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY']
  const source = names.find((name) => env[name] !== undefined)
  if (source === undefined) return undefined
  const text = env[source] ?? ''
  const uri = text.includes('://') ? text : `http://${text}`
  if (!URL.canParse(uri) || !/^https?:/.test(uri)) {
    // What stands before an "@" may be a password.
    const found = text.includes('@') ? 'something else' : `"${text}"`
    throw new CommandError('proxy-invalid', `${source}: expected an address such as http://proxy:3128, found ${found}.`)
  }
  return { source, uri, shown: new URL(uri).origin, exceptions: env.no_proxy ?? env.NO_PROXY ?? '' }
}

/** As the global one, by way of the proxy that the environment names. Without one, nothing is loaded for it. */
export function proxiedFetch(env: CliContext['env'], url: string): typeof globalThis.fetch {
  const proxy = findProxy(env, url)
  if (!proxy) return (input, init) => globalThis.fetch(input, init).catch(adviseOnProxy)
  let loaded: Promise<typeof globalThis.fetch> | undefined
  return async (input, init) => {
    loaded ??= load(proxy)
    return (await loaded)(input, init).catch((cause: unknown) => {
      throw restated(cause, `${rootReason(cause)} (the proxy is ${proxy.shown} of ${proxy.source})`)
    })
  }
}

async function load({ uri, exceptions }: Proxy): Promise<typeof globalThis.fetch> {
  const { EnvHttpProxyAgent, fetch } = await import('undici')
  const dispatcher = new EnvHttpProxyAgent({ httpProxy: uri, httpsProxy: uri, noProxy: exceptions })
  const proxied = async (input: Parameters<typeof fetch>[0], init: Parameters<typeof globalThis.fetch>[1]) => {
    const given = init?.body instanceof FormData ? await withoutForm(init, init.body) : init
    return fetch(input, { ...(given as Parameters<typeof fetch>[1]), dispatcher })
  }
  // Node's own fetch is of the same family, with types of its own.
  return proxied as unknown as typeof globalThis.fetch
}

/** It takes forms of its own kind only, and would send the text "[object FormData]". Ours are facts and signatures. */
async function withoutForm(init: RequestInit, form: FormData): Promise<RequestInit> {
  const written = new Response(form)
  const headers = new Headers(init.headers)
  headers.set('content-type', written.headers.get('content-type') ?? '')
  return { ...init, headers, body: await written.arrayBuffer() }
}

function adviseOnProxy(cause: unknown): never {
  if (!rootCauses(cause).some((each) => hasCode(each, 'ENOTFOUND', 'EAI_AGAIN'))) throw cause
  const advice = 'No proxy is set: where one is needed HTTPS_PROXY or HTTP_PROXY names it'
  throw restated(cause, `${rootReason(cause)}. ${advice}`)
}

/** It is the innermost that is shown, so it says the cause itself, and keeps its code. */
function restated(cause: unknown, message: string): Error {
  const { code } = (rootCauses(cause)[0] ?? {}) as { code?: unknown }
  return Object.assign(new Error(message), typeof code === 'string' && { code })
}
