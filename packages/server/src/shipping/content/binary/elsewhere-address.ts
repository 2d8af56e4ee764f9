import { problem } from '@hotpatch/protocol'

const MAX_CHARACTERS = 2_000
/** Feeds, headers and older clients take nothing else. */
const ASCII = /^[\x21-\x7e]+$/

/**
 * Where bytes lie that are not on this server: everybody is told of it, and clients read it each in their own way.
 * @throws problem invalid-request
 */
export function requireElsewhere(field: string, address: string): void {
  const found = faultOf(address)
  if (found === undefined) return
  throw problem('invalid-request', `${field}: expected an address that begins with https://, found ${found}.`)
}

function faultOf(address: string): string | undefined {
  const shown = JSON.stringify(address.slice(0, 200))
  if (address.length > MAX_CHARACTERS) return `one of more than ${MAX_CHARACTERS} characters`
  if (!address.startsWith('https://') || /[\s"<>\\]/.test(address) || !URL.canParse(address)) return shown
  const { username, password, href } = new URL(address)
  if (username !== '' || password !== '') return 'one with a name or a password, which everybody would be told'
  return ASCII.test(address) ? undefined : `${shown}: write it as ${href}`
}
