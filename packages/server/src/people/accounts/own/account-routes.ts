import {
  AccountChanges,
  NewPasskey,
  NewPasskeyOptions,
  Passkey,
  PasskeyOptions,
  Passkeys,
  PasswordAgain,
  PasswordChange,
  Person,
  PersonSessions,
  RecoveryCodes,
  TotpConfirmation,
  TotpEnrolment,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { authorOf } from '../../authors/author.ts'
import type { PublicUrl } from '../../../ground/http/public-url.ts'
import type { PasskeyService } from '../passkeys/passkey-service.ts'
import { browserOf } from '../sign-in/browser.ts'
import type { CurrentSession } from '../sign-in/sign-in-service.ts'
import type { AccountService } from './account-service.ts'

const IdParams = Type.Object({ id: Type.String({ maxLength: 100 }) })
const Nothing = { 204: Type.Null() }
const config = { access: 'self:read' } as const
const change = { access: 'account:change' } as const
const tags = ['account']

/** For whoever is signed in, about himself. Tokens have no account. */
export function accountRoutes({
  accounts,
  passkeys,
  getSession,
  publicUrl,
}: {
  accounts: AccountService
  passkeys: PasskeyService
  getSession: (request: FastifyRequest) => CurrentSession
  publicUrl: PublicUrl
}): FastifyPluginAsyncTypebox {
  const browser = (request: FastifyRequest) => browserOf(request, publicUrl)

  return async (app) => {
    app.addHook('preHandler', async (request) => void getSession(request))

    app.get(
      '/account',
      { config, schema: { tags, summary: 'The account of whoever is signed in', response: { 200: Person } } },
      (request) => accounts.get(getSession(request).personId),
    )

    app.patch(
      '/account',
      {
        config: change,
        schema: { tags, summary: 'Changes the name', body: AccountChanges, response: { 200: Person } },
      },
      (request) => {
        const { personId } = getSession(request)
        const { name } = request.body
        return name === undefined ? accounts.get(personId) : accounts.rename(name, authorOf(request))
      },
    )

    app.post(
      '/account/password',
      {
        config: change,
        schema: {
          tags,
          summary: 'Sets a new password, and ends every other session',
          body: PasswordChange,
          response: Nothing,
        },
      },
      async (request, reply) => {
        return done(reply, await accounts.changePassword(request.body, browser(request), authorOf(request)))
      },
    )

    app.get(
      '/account/sessions',
      { config, schema: { tags, summary: 'Where one is signed in', response: { 200: PersonSessions } } },
      (request) => {
        const session = getSession(request)
        return accounts.listSessions(session.personId, session)
      },
    )

    app.delete(
      '/account/sessions/:id',
      { config: change, schema: { tags, summary: 'Signs one browser out', params: IdParams, response: Nothing } },
      async (request, reply) => {
        await accounts.endSession(request.params.id, authorOf(request))
        return done(reply)
      },
    )

    app.post(
      '/sign-out-everywhere',
      { config: change, schema: { tags, summary: 'Ends every session, this one included', response: Nothing } },
      async (request, reply) => {
        await accounts.signOutEverywhere(authorOf(request))
        return done(reply)
      },
    )

    app.post(
      '/account/totp',
      {
        config: change,
        schema: {
          tags,
          summary: 'Begins with an authenticator app; in force when it is confirmed',
          body: PasswordAgain,
          response: { 200: TotpEnrolment },
        },
      },
      (request) => {
        return accounts.enrolTotp(request.body.password, browser(request), authorOf(request))
      },
    )

    app.post(
      '/account/totp/confirm',
      {
        config: change,
        schema: { tags, summary: 'Confirms the authenticator app', body: TotpConfirmation, response: Nothing },
      },
      async (request, reply) => {
        return done(reply, await accounts.confirmTotp(request.body.code, browser(request), authorOf(request)))
      },
    )

    app.post(
      '/account/totp/remove',
      {
        config: change,
        schema: { tags, summary: 'Removes the authenticator app', body: PasswordAgain, response: Nothing },
      },
      async (request, reply) => {
        return done(reply, await accounts.removeTotp(request.body.password, browser(request), authorOf(request)))
      },
    )

    app.post(
      '/account/recovery-codes',
      {
        config: change,
        schema: {
          tags,
          summary: 'Makes new recovery codes; the old ones count no more',
          body: PasswordAgain,
          response: { 200: RecoveryCodes },
        },
      },
      (request) => {
        return accounts.makeRecoveryCodes(request.body.password, browser(request), authorOf(request))
      },
    )

    app.get(
      '/account/passkeys',
      { config, schema: { tags, summary: 'The passkeys of this account', response: { 200: Passkeys } } },
      (request) => passkeys.list(getSession(request).personId),
    )

    app.post(
      '/account/passkeys/options',
      {
        config: change,
        schema: {
          tags,
          summary: 'What the browser makes a passkey by',
          body: NewPasskeyOptions,
          response: { 200: PasskeyOptions },
        },
      },
      async (request) => {
        const session = getSession(request)
        await accounts.requireFresh(request.body.password, session, authorOf(request))
        return passkeys.beginRegistration(session.personId, browser(request))
      },
    )

    app.post(
      '/account/passkeys',
      {
        config: change,
        schema: {
          tags,
          summary: 'Adds the passkey that the browser made',
          body: NewPasskey,
          response: { 201: Passkey },
        },
      },
      async (request, reply) => {
        return reply.code(201).send(await passkeys.register(request.body, browser(request), authorOf(request)))
      },
    )

    app.delete(
      '/account/passkeys/:id',
      { config: change, schema: { tags, summary: 'Removes a passkey', params: IdParams, response: Nothing } },
      async (request, reply) => {
        await passkeys.remove(request.params.id, authorOf(request))
        return done(reply)
      },
    )
  }
}

function done(reply: FastifyReply, cookies: readonly string[] = []) {
  for (const cookie of cookies) reply.header('set-cookie', cookie)
  return reply.code(204).send(null)
}
