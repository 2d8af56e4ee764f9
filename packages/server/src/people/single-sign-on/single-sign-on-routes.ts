import { NewSingleSignOn, SingleSignOn, SingleSignOnOffer } from '@hotpatch/api'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { addressPrefix } from '../../ground/http/address-prefix.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { requireRoom } from '../../ground/http/rate-limit.ts'
import type { CreateLimiter } from '../../ground/http/share-limits.ts'
import { browserOf } from '../accounts/sign-in/browser.ts'
import { requireAllApps } from '../authors/actor.ts'
import { authorOf } from '../authors/author.ts'
import type { ResolveApp } from '../authors/resolve-app.ts'
import type { SettingsService } from './settings-service.ts'
import type { Onward, SignOnService } from './sign-on-service.ts'

/** Of one address: each may ask the issuer. */
const PER_MINUTE = 60
const MAX_ADDRESS = 2_000

const tags = ['single sign-on']

interface Parts {
  settings: SettingsService
  signOn: SignOnService
  resolveApp: ResolveApp
  publicUrl: PublicUrl
  createLimiter: CreateLimiter
}

export function singleSignOnRoutes(parts: Parts): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(settingsRoutes(parts))
    await app.register(signOnRoutes(parts))
  }
}

function settingsRoutes({ settings, resolveApp, publicUrl }: Parts): FastifyPluginAsyncTypebox {
  const config = { access: 'single-sign-on:manage' as const }
  return async (app) => {
    // Before anything is said of what was sent.
    app.addHook('preValidation', (request, _reply, done) => {
      requireAllApps(authorOf(request).actor)
      done()
    })

    app.get(
      '/single-sign-on',
      { config, schema: { tags, summary: 'At which issuer people sign in', response: { 200: SingleSignOn } } },
      (request) => settings.get(publicUrl(request)),
    )

    app.put(
      '/single-sign-on',
      {
        config,
        schema: {
          tags,
          summary: 'Lets people sign in at an issuer of OpenID Connect, which is asked before anything is kept',
          body: NewSingleSignOn,
          response: { 200: SingleSignOn },
        },
      },
      (request) => {
        const findAppId = async (app: string) => (await resolveApp(request, app)).id
        return settings.set(request.body, findAppId, authorOf(request), publicUrl(request))
      },
    )

    app.delete(
      '/single-sign-on',
      {
        config,
        schema: {
          tags,
          summary: 'Ends single sign-on, the sessions that were begun by it, and what groups gave',
          response: { 200: SingleSignOn },
        },
      },
      (request) => settings.remove(authorOf(request), publicUrl(request)),
    )
  }
}

/** For browsers, of whoever it may be. */
function signOnRoutes({ settings, signOn, publicUrl, createLimiter }: Parts): FastifyPluginAsyncTypebox {
  const limiter = createLimiter('single sign-on', PER_MINUTE)
  return async (app) => {
    app.addHook('onRequest', (request, _reply, done) => {
      requireRoom(limiter, addressPrefix(request.ip), 'this address', 1, 'sign-ins')
      done()
    })

    app.get(
      '/single-sign-on/offer',
      {
        config: { access: 'public' },
        schema: { tags, summary: 'What a page to sign in offers', response: { 200: SingleSignOnOffer } },
      },
      () => settings.offer(),
    )

    app.get(
      '/single-sign-on/start',
      {
        config: { access: 'public' },
        schema: {
          tags,
          summary: 'Sends a browser to the issuer',
          querystring: Type.Object({ returnTo: Type.Optional(Type.String({ maxLength: MAX_ADDRESS })) }),
          response: { 303: ONWARD },
        },
      },
      async (request, reply) =>
        send(reply, await signOn.begin(request.query.returnTo, browserOf(request, publicUrl), publicUrl(request))),
    )

    app.get(
      '/single-sign-on/callback',
      {
        config: { access: 'public' },
        schema: { tags, summary: 'Where the issuer sends a browser back to', response: { 303: ONWARD } },
      },
      async (request, reply) => {
        const { search } = new URL(request.url, 'http://localhost')
        return send(reply, await signOn.finish(search, browserOf(request, publicUrl), publicUrl(request)))
      },
    )
  }
}

/** There is nothing in it but where to go. */
const ONWARD = Type.Null({ description: 'Where the browser goes on' })

function send(reply: FastifyReply, { address, cookies }: Onward) {
  for (const cookie of cookies) reply.header('set-cookie', cookie)
  return reply.redirect(address, 303)
}
