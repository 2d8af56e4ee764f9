import {
  CreatedInvitation,
  CreatedResetLink,
  EverybodySignedOut,
  Invitation,
  NewInvitation,
  NewResetLink,
  PageQuery,
  pageOf,
  Person,
  PersonChanges,
  PersonFilter,
  PersonRemoval,
  PersonSessions,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { authorOf } from '../../authors/author.ts'
import type { ResolveApp } from '../../authors/resolve-app.ts'
import { readPageRequest } from '../../../ground/http/paging.ts'
import type { PublicUrl } from '../../../ground/http/public-url.ts'
import type { AccountService } from '../own/account-service.ts'
import type { PersonService } from './person-service.ts'
import type { SignOutEveryone } from './sign-out-everyone.ts'

const PersonParams = Type.Object({ id: Type.String({ maxLength: 100 }) })
const config = { access: 'people:manage' } as const
const tags = ['people']

export function personRoutes({
  persons,
  signOutEveryone,
  accounts,
  resolveApp,
  publicUrl,
}: {
  persons: PersonService
  signOutEveryone: SignOutEveryone
  accounts: AccountService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  const findAppId = (request: FastifyRequest) => async (app: string) => (await resolveApp(request, app)).id

  return async (app) => {
    app.get(
      '/people',
      {
        config,
        schema: {
          tags,
          summary: 'Who can sign in, newest first; of whoever is for some apps, those of these apps',
          querystring: PersonFilter,
          response: { 200: pageOf(Person) },
        },
      },
      (request) => persons.list(request.query.text ?? '', readPageRequest(request.query), authorOf(request).actor),
    )

    app.get(
      '/people/invitations',
      {
        config,
        schema: {
          tags,
          summary: 'Invitations that nobody has taken yet',
          querystring: PageQuery,
          response: { 200: pageOf(Invitation) },
        },
      },
      (request) => persons.listInvitations(readPageRequest(request.query), authorOf(request).actor),
    )

    app.post(
      '/people/invitations',
      {
        config,
        schema: {
          tags,
          summary: 'Makes a link by which somebody makes an account; it is shown once, and replaces one of before',
          body: NewInvitation,
          response: { 201: CreatedInvitation },
        },
      },
      async (request, reply) =>
        reply
          .code(201)
          .send(await persons.invite(request.body, findAppId(request), authorOf(request), publicUrl(request))),
    )

    app.delete(
      '/people/invitations/:id',
      {
        config,
        schema: { tags, summary: 'Withdraws an invitation', params: PersonParams, response: { 204: Type.Null() } },
      },
      async (request, reply) => {
        await persons.withdraw(request.params.id, authorOf(request))
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/people/:id',
      { config, schema: { tags, summary: 'One person', params: PersonParams, response: { 200: Person } } },
      (request) => persons.get(request.params.id, authorOf(request).actor),
    )

    app.patch(
      '/people/:id',
      {
        config,
        schema: {
          tags,
          summary: 'Changes what a person may do, or whether he may sign in',
          params: PersonParams,
          body: PersonChanges,
          response: { 200: Person },
        },
      },
      (request) => persons.change(request.params.id, request.body, findAppId(request), authorOf(request)),
    )

    app.delete(
      '/people/:id',
      {
        config,
        schema: {
          tags,
          summary: 'Removes a person, his sessions, and the tokens that he made unless they are kept',
          params: PersonParams,
          querystring: PersonRemoval,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await persons.remove(request.params.id, request.query, authorOf(request))
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/people/:id/reset-link',
      {
        config,
        schema: {
          tags,
          summary: 'Makes a link by which the person sets a new password; it is shown once',
          params: PersonParams,
          body: NewResetLink,
          response: { 201: CreatedResetLink },
        },
      },
      async (request, reply) => {
        const { params, body } = request
        return reply.code(201).send(await persons.makeResetLink(params.id, body, authorOf(request), publicUrl(request)))
      },
    )

    app.get(
      '/people/:id/sessions',
      {
        config,
        schema: {
          tags,
          summary: 'Where a person is signed in',
          params: PersonParams,
          response: { 200: PersonSessions },
        },
      },
      async (request) => {
        const { row } = await persons.getVisible(request.params.id, authorOf(request).actor)
        return accounts.listSessions(row.id, undefined)
      },
    )

    app.delete(
      '/people/:id/sessions',
      {
        config,
        schema: {
          tags,
          summary: 'Signs a person out everywhere',
          params: PersonParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await persons.signOut(request.params.id, authorOf(request))
        return reply.code(204).send(null)
      },
    )

    app.post(
      '/sign-out-everyone',
      {
        config: { access: 'people:sign-out-all' },
        schema: {
          tags,
          summary: 'Ends all sessions, one-time links and short-lived tokens of everybody, as after a restored backup',
          response: { 200: EverybodySignedOut },
        },
      },
      (request) => signOutEveryone(authorOf(request)),
    )
  }
}
