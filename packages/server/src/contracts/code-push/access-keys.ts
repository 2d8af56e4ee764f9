import type { ApiToken } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { DAY_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { AccessService } from '../../people/access/access-service.ts'
import type { TokenAuthor } from '../../people/authors/author.ts'

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
  /** Those that work, oldest first; of a token for one app only those for that. */
  async function listTokens(appId: string | null): Promise<ApiToken[]> {
    const found: ApiToken[] = []
    let after: string | undefined
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const { items, nextCursor } = await access.list({ limit: PAGE, after }, appId)
      found.push(...items.filter(works))
      after = items.at(-1)?.id
      if (nextCursor === null) break
    }
    return found.reverse()
  }

  function works({ revokedAt, expiresAt }: ApiToken): boolean {
    return revokedAt === null && (expiresAt === null || Date.parse(expiresAt) > clock.now())
  }

  async function list({ actor }: TokenAuthor): Promise<AccessKey[]> {
    return (await listTokens(actor.appId)).map(describe)
  }

  async function findTokens(author: TokenAuthor, name: string): Promise<[ApiToken, ...ApiToken[]]> {
    const [first, ...more] = (await listTokens(author.actor.appId)).filter((token) => token.name === name)
    if (first) return [first, ...more]
    throw problem('token-not-found', `The access key "${name}" does not exist.`)
  }

  async function find(author: TokenAuthor, name: string): Promise<AccessKey> {
    return describe((await findTokens(author, name))[0])
  }

  /** With the role and the app of whoever makes it, and never beyond its time. */
  async function create(author: TokenAuthor, { friendlyName, ttl }: NewAccessKey): Promise<AccessKey> {
    const { role, appId, expiresAt: latest } = author.actor
    if ((await listTokens(appId)).some(({ name }) => name === friendlyName)) {
      throw problem('token-exists', `The access key "${friendlyName}" already exists.`)
    }
    const wished = clock.now() + (ttl ?? DEFAULT_TTL_MS)
    const expiresAt = ttl === undefined && latest !== null ? Math.min(wished, latest) : wished
    const made = await access.create({ name: friendlyName, role, expiresAt: timestamp(expiresAt) }, appId, author)
    return { ...describe(made), name: made.token }
  }

  /** The tools know a key by its name, which several tokens may have. */
  async function remove(author: TokenAuthor, name: string): Promise<void> {
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
