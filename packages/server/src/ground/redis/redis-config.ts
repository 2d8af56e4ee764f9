/** Where Redis or Valkey is, and as whom the server signs in there. */
export interface RedisConfig {
  /** Tried one after the other, until one takes the connection: nodes of a cluster, for example. */
  addresses: readonly { host: string; port: number }[]
  isTls: boolean
  username: string | null
  password: string | null
}

const PORT = 6379
const MAX_ADDRESSES = 16
/** Databases have numbers, and hear the same messages. */
const FORM = /^(rediss?):\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^@/?#]+)(?:\/\d*)?$/

/** Of `rediss://user:password@host:6379,other:6379`; undefined when it is not of that form. */
export function readRedisUrl(text: string): RedisConfig | undefined {
  const [, scheme, username = '', password = '', hosts = ''] = FORM.exec(text) ?? []
  const addresses = hosts.split(',').map(readAddress)
  if (scheme === undefined || addresses.length > MAX_ADDRESSES || !addresses.every((each) => each !== undefined))
    return undefined
  try {
    return {
      addresses,
      isTls: scheme === 'rediss',
      username: decodeURIComponent(username) || null,
      password: decodeURIComponent(password) || null,
    }
  } catch {
    // Not encoded as addresses are.
    return undefined
  }
}

function readAddress(text: string): { host: string; port: number } | undefined {
  if (!URL.canParse(`redis://${text}`)) return undefined
  const { hostname, port } = new URL(`redis://${text}`)
  return hostname === '' ? undefined : { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || PORT) }
}
