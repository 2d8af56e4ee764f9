import type { ApiToken } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { DAY_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { AccessService } from '../../people/access/access-service.ts'
import { appsOf, type Grant } from '../../people/authors/actor.ts'
import type { Caller } from '../../people/authors/author.ts'

/** A token as CodePush's tools read an access key: without its secret, which is shown once. */
export interface AccessKey {
  name: string
  friendlyName: string
  createdBy: string
  createdTime: number
  expires: number
  isSession: false
}

export interface NewAccessKey {
  friendlyName: string
  /** In milliseconds. */
  ttl?: number
}

/** What CodePush's own server gives a key of which nobody says how long it works. */
const DEFAULT_TTL_MS = 60 * DAY_MS
/** The tools compute with a time: this is that of a token which does not expire. */
const NEVER = Date.UTC(9999, 11, 31)
const MASKED = '(hidden)'
const PAGE = 200
/** More tokens than people have; whoever has more names them by their ids, with `hotpatch`. */
const MAX_PAGES = 25

/** Code Push §8: access keys are API tokens. */
export function createAccessKeys({ access, clock }: { access: AccessService; clock: Clock }) {
  /** Those that work, oldest first. */
  async function listTokens(ofApps: readonly string[] | null): Promise<ApiToken[]> {
    const found: ApiToken[] = []
    let after: string | undefined
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const { items, nextCursor } = await access.list({ limit: PAGE, after }, { ended: false }, ofApps)
      found.push(...items)
      after = items.at(-1)?.id
      if (nextCursor === null) break
    }
    return found.reverse()
  }

  async function list({ actor }: Caller): Promise<AccessKey[]> {
    return (await listTokens(appsOf(actor))).map(describe)
  }

  async function findTokens(author: Caller, name: string): Promise<[ApiToken, ...ApiToken[]]> {
    const [first, ...more] = (await listTokens(appsOf(author.actor))).filter((token) => token.name === name)
    if (first) return [first, ...more]
    throw problem('token-not-found', `The access key "${name}" does not exist.`)
  }

  async function find(author: Caller, name: string): Promise<AccessKey> {
    return describe((await findTokens(author, name))[0])
  }

  /** For what whoever makes it may do, and never beyond its time. */
  async function create(author: Caller, { friendlyName, ttl }: NewAccessKey): Promise<AccessKey> {
    const { expiresAt: latest } = author.actor
    const { role, appId, channels, permissions } = widest(author.actor.grants)
    if ((await listTokens(appsOf(author.actor))).some(({ name }) => name === friendlyName)) {
      throw problem('token-exists', `The access key "${friendlyName}" already exists.`)
    }
    const wished = clock.now() + (ttl ?? DEFAULT_TTL_MS)
    const expiresAt = ttl === undefined && latest !== null ? Math.min(wished, latest) : wished
    const made = await access.create(
      {
        name: friendlyName,
        role,
        ...(channels && { channels: [...channels] }),
        permissions: [...permissions],
        expiresAt: timestamp(expiresAt),
      },
      appId,
      author,
    )
    return { ...describe(made), name: made.token }
  }

  /** The tools know a key by its name, which several tokens may have. */
  async function remove(author: Caller, name: string): Promise<void> {
    const [token, another] = await findTokens(author, name)
    if (another) {
      const detail = `Several tokens are called "${name}": see hotpatch tokens list, and hotpatch tokens revoke ID.`
      throw problem('token-exists', detail)
    }
    await access.revoke(token.id, author)
  }

  return { list, find, create, remove, listTokens }
}

export type AccessKeys = ReturnType<typeof createAccessKeys>

function describe({ name, createdBy, createdAt, expiresAt }: ApiToken): AccessKey {
  const times = { createdTime: Date.parse(createdAt), expires: expiresAt === null ? NEVER : Date.parse(expiresAt) }
  return { name: MASKED, friendlyName: name, createdBy, ...times, isSession: false }
}

/** The tools name no app with a key. */
function widest(grants: readonly Grant[]): Grant {
  const [first, ...more] = grants
  if (!first) throw new Error('Who makes a key may make tokens somewhere.')
  const found = more.length === 0 ? first : grants.find(({ appId }) => appId === null)
  if (found) return found
  throw problem('invalid-request', 'You are for several apps, and a key is for one: make it in the console.')
}
