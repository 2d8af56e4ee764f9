import { DisplayName, type Role } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { appsOf, may, roleOf } from '../../people/authors/actor.ts'
import { authorOf, type Caller } from '../../people/authors/author.ts'
import type { AccessKeys } from './access-keys.ts'
import { slugOf, type Deployments } from './deployments.ts'

/** What CodePush knows of who may do something with an app. */
export interface Collaborator {
  isCurrentAccount: boolean
  permission: 'Owner' | 'Collaborator'
}

const hide = { hide: true } as const
const AppParams = Type.Object({ app: Type.String({ maxLength: 200 }) })
const KeyParams = Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) })
const NewAccessKey = Type.Object({
  friendlyName: DisplayName(),
  ttl: Type.Optional(Type.Union([Type.Integer({ minimum: 60_000, maximum: 315_360_000_000 }), Type.Null()])),
})

/** Code Push §8: who there is, and with which keys. */
export function codePushAccounts(accessKeys: AccessKeys, deployments: Deployments): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/authenticated', { config: { access: 'self:read' }, schema: hide }, async () => ({ authenticated: true }))

    app.get('/account', { config: { access: 'self:read' }, schema: hide }, async (request) => {
      const { actor } = authorOf(request)
      return { account: { name: actor.name, email: emailOf(actor.name), linkedProviders: [] } }
    })

    const manages = { access: 'tokens:manage' } as const
    app.get('/accessKeys', { config: manages, schema: hide }, async (request) => ({
      accessKeys: await accessKeys.list(authorOf(request)),
    }))

    for (const end of ['', '/']) {
      app.post(
        `/accessKeys${end}`,
        { config: manages, schema: { ...hide, body: NewAccessKey } },
        async (request, reply) => {
          const { friendlyName, ttl } = request.body
          const wish = typeof ttl === 'number' ? { friendlyName, ttl } : { friendlyName }
          return reply.code(201).send({ accessKey: await accessKeys.create(authorOf(request), wish) })
        },
      )
    }

    const one = { config: manages, schema: { ...hide, params: KeyParams } } as const
    app.get('/accessKeys/:name', one, async (request) => ({
      accessKey: await accessKeys.find(authorOf(request), request.params.name),
    }))

    app.delete('/accessKeys/:name', one, async (request, reply) => {
      await accessKeys.remove(authorOf(request), request.params.name)
      return reply.code(204).send()
    })

    app.patch('/accessKeys/:name', one, async () => {
      throw problem('not-found', 'An access key keeps its name and its time here: remove it, and add another.')
    })

    app.get(
      '/apps/:app/collaborators',
      { config: { access: 'apps:read' }, schema: { ...hide, params: AppParams } },
      async (request) => {
        const { app: found } = await deployments.findApp(request.actor, request.params.app)
        return { collaborators: await listCollaborators(authorOf(request), found.id) }
      },
    )
  }

  /** Whose token may not see those of others sees its own. */
  async function listCollaborators(author: Caller, appId: string): Promise<Record<string, Collaborator>> {
    const { actor } = author
    const all = may(actor, 'tokens:manage', appId) ? await accessKeys.listTokens(appsOf(actor)) : []
    const others = all.filter((token) => token.appId === null || token.appId === appId)
    const owners = others.filter(({ role }) => isOwner(role))
    const named = [...others, ...owners].map(
      (token) => [emailOf(token.name), asCollaborator(token.role, false)] as const,
    )
    return Object.fromEntries([...named, ...Object.entries(ownCollaborator(author))])
  }
}

/** Whoever asks. */
export function ownCollaborator({ actor }: Caller): Record<string, Collaborator> {
  return { [emailOf(actor.name)]: asCollaborator(roleOf(actor), true) }
}

function asCollaborator(role: Role, isCurrentAccount: boolean): Collaborator {
  return { isCurrentAccount, permission: isOwner(role) ? 'Owner' : 'Collaborator' }
}

/** CodePush's owners may do with an app what is for admins here. */
function isOwner(role: Role): boolean {
  return role === 'owner' || role === 'admin'
}

/** The tools know people by addresses, and there are tokens here. */
function emailOf(name: string): string {
  return `${slugOf(name)}@token`
}
