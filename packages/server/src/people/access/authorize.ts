import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { requireSameOrigin } from '../../ground/http/same-origin.ts'
import { boundBy, narrowTo, roleOf, type Actor, type Grant } from '../authors/actor.ts'
import { reachesChannels, ROLE_PERMISSIONS, rolesWith, type Permission } from '../authors/permissions.ts'
import type { AccessService } from './access-service.ts'

/** Who is signed in in the browser that asks; undefined when nobody is. */
export type FindSession = (request: FastifyRequest) => Promise<Actor | undefined>

/** What a person may do now; undefined of one who is gone, or may not come in. */
export type FindGrants = (personId: string) => Promise<readonly Grant[] | undefined>

/** Of what a token is narrowed to. */
const MAX_NAMED = 10

export type Authorize = ReturnType<typeof createAuthorize>

export function createAuthorize({
  access,
  findSession,
  findGrants,
  publicUrl,
}: {
  access: Pick<AccessService, 'authenticate'>
  findSession: FindSession
  findGrants: FindGrants
  publicUrl: PublicUrl
}) {
  /**
   * Who calls, with only what he may do by this permission.
   * @throws problem authentication-required, token-invalid, token-expired, cross-site-request or forbidden
   */
  async function authorize(request: FastifyRequest, needed: Permission): Promise<Actor> {
    const actor = await identify(request)
    const narrowed = narrowTo(actor, needed)
    if (narrowed) return narrowed
    throw problem('forbidden', `This needs the permission ${needed}${sayWhyNot(actor, needed)}`)
  }

  /** A token goes before a cookie: whoever sends one means it, and no other page can make a browser send it. */
  async function identify(request: FastifyRequest): Promise<Actor> {
    const { authorization } = request.headers
    if (authorization !== undefined) return bounded(await access.authenticate(readBearer(authorization), request.ip))
    const person = await findSession(request)
    if (!person) throw problem('authentication-required', 'Expected the header "Authorization: Bearer TOKEN".')
    requireSameOrigin(request, publicUrl(request))
    return person
  }

  /** A token may no more than the person behind it may now, whatever he could when he made it. */
  async function bounded(actor: Actor): Promise<Actor> {
    if (actor.personId === null) return actor
    const grants = await findGrants(actor.personId)
    if (!grants) throw problem('token-invalid', 'Who stands behind this token has no account here any more.')
    return { ...actor, grants: boundBy(actor.grants, grants) }
  }

  return authorize
}

function readBearer(authorization: string): string {
  const bearer = /^Bearer ([\w.~+/=-]{1,4096})$/i.exec(authorization)?.[1]
  if (bearer !== undefined) return bearer
  throw problem('authentication-required', 'Expected the header "Authorization: Bearer TOKEN".')
}

/** Of whoever may not do it anywhere. */
function sayWhyNot(actor: Actor, needed: Permission): string {
  const narrowed = actor.grants.find(({ role }) => ROLE_PERMISSIONS[role].has(needed))
  if (narrowed)
    return `. The role ${narrowed.role} of this token has it, but the token ${sayNarrowed(narrowed, needed)}.`
  const whose = actor.kind === 'token' ? 'this token has' : 'you have'
  return `, which the role ${rolesWith(needed).join(' or ')} has; ${whose} the role ${roleOf(actor)}.`
}

function sayNarrowed({ channels, permissions }: Grant, needed: Permission): string {
  if (channels && !reachesChannels(needed)) {
    return `is narrowed to ${sayChannels(channels)}, and this is not about channels`
  }
  const names = [...permissions]
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} others` : ''
  return `is narrowed to the permissions ${names.slice(0, MAX_NAMED).join(', ')}${more}`
}

function sayChannels(channels: readonly string[]): string {
  const more = channels.length > MAX_NAMED ? ` and ${channels.length - MAX_NAMED} others` : ''
  return `the channel ${channels.slice(0, MAX_NAMED).join(', ')}${more}`
}
