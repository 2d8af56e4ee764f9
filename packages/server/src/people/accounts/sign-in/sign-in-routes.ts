import {
  OneTimeLink,
  OneTimeLinkSecret,
  OneTimeLinkUse,
  PasskeyOptions,
  PasskeySignIn,
  RecoverySignIn,
  SignIn,
  SignInAnswer,
  TotpSignIn,
} from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { addressPrefix } from '../../../ground/http/address-prefix.ts'
import type { PublicUrl } from '../../../ground/http/public-url.ts'
import { requireRoom } from '../../../ground/http/rate-limit.ts'
import type { CreateLimiter } from '../../../ground/http/share-limits.ts'
import { requireSameOrigin } from '../../../ground/http/same-origin.ts'
import type { OneTimeLinks } from '../links/one-time-links.ts'
import type { PasskeyService } from '../passkeys/passkey-service.ts'
import { browserOf } from './browser.ts'
import type { SignedIn, SignInService } from './sign-in-service.ts'

/** Of one address: each costs the work of a password. */
const PER_MINUTE = 60

interface Parts {
  signIns: SignInService
  links: OneTimeLinks
  passkeys: PasskeyService
  publicUrl: PublicUrl
  createLimiter: CreateLimiter
}

/** For everybody: nobody is signed in here yet. */
export function signInRoutes(parts: Parts): FastifyPluginAsyncTypebox {
  const { publicUrl } = parts
  return async (app) => {
    app.addHook('onRequest', async (request) => {
      // Else another page could sign somebody in as somebody else.
      requireSameOrigin(request, publicUrl(request))
    })
    await app.register(attemptRoutes(parts))
    await app.register(signOutRoute(parts))
  }
}

/** What counts, and only when it can be an attempt: no page of another site uses up what its visitors may. */
function attemptRoutes({ signIns, links, passkeys, publicUrl, createLimiter }: Parts): FastifyPluginAsyncTypebox {
  const limiter = createLimiter('sign-in', PER_MINUTE)

  return async (app) => {
    app.addHook('preHandler', async (request) => {
      const address = addressPrefix(request.ip)
      requireRoom(limiter, address, `the address ${address}`)
    })

    app.post(
      '/sign-in',
      {
        config: { access: 'public' },
        schema: {
          tags: ['sign in'],
          summary: 'Signs a person in by password; the answer sets a cookie',
          body: SignIn,
          response: { 200: SignInAnswer },
        },
      },
      async (request, reply) => send(reply, await signIns.signIn(request.body, browserOf(request, publicUrl))),
    )

    app.post(
      '/sign-in/totp',
      {
        config: { access: 'public' },
        schema: {
          tags: ['sign in'],
          summary: 'The second step, where the first said that it is needed: a code of the authenticator app',
          body: TotpSignIn,
          response: { 200: SignInAnswer },
        },
      },
      async (request, reply) =>
        send(reply, await signIns.signInWithTotp(request.body.code, browserOf(request, publicUrl))),
    )

    app.post(
      '/sign-in/recovery-code',
      {
        config: { access: 'public' },
        schema: {
          tags: ['sign in'],
          summary: 'The second step without the authenticator app',
          body: RecoverySignIn,
          response: { 200: SignInAnswer },
        },
      },
      async (request, reply) =>
        send(reply, await signIns.signInWithRecoveryCode(request.body.code, browserOf(request, publicUrl))),
    )

    app.post(
      '/sign-in/passkey/options',
      {
        config: { access: 'public' },
        schema: {
          tags: ['sign in'],
          summary: 'What the browser signs in by a passkey with',
          response: { 200: PasskeyOptions },
        },
      },
      (request) => passkeys.beginSignIn(browserOf(request, publicUrl)),
    )

    app.post(
      '/sign-in/passkey',
      {
        config: { access: 'public' },
        schema: {
          tags: ['sign in'],
          summary: 'Signs in whose passkey the browser answered with',
          body: PasskeySignIn,
          response: { 200: SignInAnswer },
        },
      },
      async (request, reply) => {
        const browser = browserOf(request, publicUrl)
        const personId = await passkeys.verify(request.body, browser)
        return send(reply, await signIns.beginSession(personId, browser))
      },
    )

    app.post(
      '/one-time-links/look',
      {
        config: { access: 'public' },
        schema: {
          tags: ['sign in'],
          summary: 'What a one-time link is for; it stays as it is',
          body: OneTimeLinkSecret,
          response: { 200: OneTimeLink },
        },
      },
      (request) => links.look(request.body.secret),
    )

    app.post(
      '/one-time-links/use',
      {
        config: { access: 'public' },
        schema: {
          tags: ['sign in'],
          summary:
            'Makes the account, sets the password, or adds what is given to whoever is signed in, as a one-time link says: once',
          body: OneTimeLinkUse,
          response: { 200: SignInAnswer },
        },
      },
      async (request, reply) => {
        const browser = browserOf(request, publicUrl)
        const signedIn = await signIns.findSession(request)
        const outcome = await links.use(request.body, browser, signedIn?.id)
        switch (outcome.kind) {
          case 'joined':
            return send(reply, await signIns.beginSession(outcome.personId, browser))
          case 'password-set':
            return reply.send({ done: false, needs: 'sign-in' })
          case 'accepted':
            return reply.send({ done: true })
        }
      },
    )
  }
}

/** Nobody is kept from it. */
function signOutRoute({ signIns, publicUrl }: Parts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/sign-out',
      {
        config: { access: 'public' },
        schema: { tags: ['sign in'], summary: 'Ends the session of this browser', response: { 204: Type.Null() } },
      },
      async (request: FastifyRequest, reply) => {
        for (const cookie of await signIns.signOut(browserOf(request, publicUrl))) reply.header('set-cookie', cookie)
        return reply.code(204).send(null)
      },
    )
  }
}

export function send(reply: FastifyReply, { answer, cookies }: SignedIn) {
  for (const cookie of cookies) reply.header('set-cookie', cookie)
  return reply.send(answer)
}
