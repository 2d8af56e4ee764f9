import { buffer } from 'node:stream/consumers'
import { Changelog } from '@hotpatch/api'
import { Problem, problem } from '@hotpatch/protocol'
import { iconType } from '@hotpatch/binary-files'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Clock } from '../../ground/clock.ts'
import { addressPrefix } from '../../ground/http/address-prefix.ts'
import type { DeviceLimits } from '../../ground/http/device-limits.ts'
import { offeredUrl, type PublicUrl } from '../../ground/http/public-url.ts'
import type { CreateLimiter } from '../../ground/http/share-limits.ts'
import { isStorageKey, type StorageDriver } from '../../ground/storage/storage-driver.ts'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import { saveAs } from '../../shipping/artifacts/save-as.ts'
import { appleManifest } from './apple-manifest.ts'
import { fileAddress, withPass, type PageAddresses } from './install-action.ts'
import { pageUrl, type InstallPageService } from './install-page-service.ts'
import type { InstallPageRow } from './install-page-store.ts'
import type { FindInstallables, Installable, InstallableFile } from './installables.ts'
import { notesHtml } from './notes-html.ts'
import { PAGE_HEADERS } from './page-style.ts'
import { renderInstallPage, renderNoPage, renderSignIn } from './render-page.ts'
import { visitorPlatform } from './visitor-platform.ts'

const PageParams = Type.Object({ slug: Type.String(), channel: Type.String() })
const FileParams = Type.Object({ ...PageParams.properties, release: Type.String(), name: Type.String() })
const Pass = Type.Object({ pass: Type.Optional(Type.String({ maxLength: 64 })) })

const MAX_FORM_BYTES = 2048
/** Guesses of a password, each a minute: of an address, and of all for one page. */
const ADDRESS_GUESSES = 10
const PAGE_GUESSES = 100

export interface VisitorParts {
  apps: AppService
  installPages: InstallPageService
  findInstallables: FindInstallables
  storage: StorageDriver
  limits: DeviceLimits
  publicUrl: PublicUrl
  clock: Clock
  createLimiter: CreateLimiter
  defaultChannel: string
}

/** The pages for people to install from, and what lies below them. Everything is public, or asks for a pass itself. */
export function visitorRoutes(parts: VisitorParts): FastifyPluginAsyncTypebox {
  const { apps, installPages, findInstallables, storage, limits, publicUrl, clock, createLimiter, defaultChannel } =
    parts
  const byAddress = createLimiter('install guesses of an address', ADDRESS_GUESSES)
  const byPage = createLimiter('install guesses for a page', PAGE_GUESSES)
  const config = { access: 'public' as const }

  /** Undefined for everything that nobody is told of: no such app, channel or page. */
  async function findPage(slug: string, channel: string): Promise<VisitedPage | undefined> {
    const app = await apps.get(slug).catch((error: unknown) => {
      if (error instanceof Problem && error.type === 'app-not-found') return undefined
      throw error
    })
    const row = app && app.slug === slug ? await installPages.find(app, channel) : undefined
    return app && row ? { app, row } : undefined
  }

  /** @throws problem install-page-not-found, or authentication-required when its page does not let the visitor in */
  async function enter(request: FastifyRequest, slug: string, channel: string): Promise<VisitedPage> {
    limits.admitAddress(request.ip)
    const page = await findPage(slug, channel)
    if (!page) throw problem('install-page-not-found', 'There is no page to install from at this address.')
    if (await installPages.lets(page.row, passesOf(request, channel))) return page
    throw problem('authentication-required', 'This page is protected: expected its password, or a link to it.')
  }

  async function findFile(page: VisitedPage, releaseId: string, name: string) {
    const installables = await findInstallables(page.app.slug, page.row.channel)
    for (const version of [...installables.values()].flat()) {
      const file = version.releaseId === releaseId && version.files.find((each) => each.name === name)
      if (file) return { version, file }
    }
    throw problem('artifact-not-found', 'There is no such file on this page.')
  }

  async function show(request: FastifyRequest, reply: FastifyReply, { slug, channel, base }: Asked) {
    limits.admitAddress(request.ip)
    const page = await findPage(slug, channel)
    if (!page) return reply.code(404).headers(PAGE_HEADERS).send(renderNoPage())
    if (!(await installPages.lets(page.row, passesOf(request, channel)))) {
      return reply
        .code(401)
        .headers(PAGE_HEADERS)
        .send(signIn(page, base, undefined))
    }
    const { pass } = request.query as { pass?: string }
    // One that is over lets nobody in: it must not take the place of the one that did.
    const isKept = pass !== undefined && page.row.access === 'protected' && (await installPages.lets(page.row, [pass]))
    if (isKept) setCookie(request, reply, page, { pass })
    const addresses = await addressesOf(request, page, base)
    const installables = await findInstallables(slug, channel)
    const text = renderInstallPage({
      appName: page.app.name,
      channel,
      isDefaultChannel: channel === defaultChannel,
      installables,
      addresses,
      visitor: visitorPlatform(request.headers['user-agent']),
      now: clock.now(),
    })
    return reply.headers(PAGE_HEADERS).send(text)
  }

  async function signInto(request: FastifyRequest, reply: FastifyReply, { slug, channel, base }: Asked) {
    const page = await findPage(slug, channel)
    if (!page) return reply.code(404).headers(PAGE_HEADERS).send(renderNoPage())
    const refuse = (code: number, fault: string) =>
      reply
        .code(code)
        .headers(PAGE_HEADERS)
        .send(signIn(page, base, fault))
    // Before anything is computed: a guess takes the server longer than whoever makes it.
    // Whoever has no try left takes none of the page's, which are everybody's.
    const seconds = byAddress.take(addressPrefix(request.ip)) || byPage.take(page.row.id)
    if (seconds > 0) {
      reply.header('retry-after', seconds)
      return refuse(429, `Too many tries. Try again in ${seconds} s.`)
    }
    const { password } = (request.body ?? {}) as { password?: string }
    const signedIn = password ? await installPages.signIn(page.row, password) : undefined
    if (!signedIn) return refuse(401, 'That is not the password.')
    setCookie(request, reply, page, signedIn)
    return reply
      .code(303)
      .headers({ 'cache-control': 'no-store', location: base.slice(0, -1) || '.' })
      .send()
  }

  function setCookie(
    request: FastifyRequest,
    reply: FastifyReply,
    { app, row }: VisitedPage,
    { pass, maxAgeSeconds }: { pass: string; maxAgeSeconds?: number },
  ): void {
    const { pathname, protocol } = new URL(`${publicUrl(request)}/apps/${app.slug}/install`)
    const attributes = [
      `${cookieName(row.channel)}=${pass}`,
      `Path=${pathname}`,
      'HttpOnly',
      'SameSite=Lax',
      ...(protocol === 'https:' ? ['Secure'] : []),
      ...(maxAgeSeconds === undefined ? [] : [`Max-Age=${maxAgeSeconds}`]),
    ]
    reply.header('set-cookie', attributes.join('; '))
  }

  async function addressesOf(request: FastifyRequest, { app, row }: VisitedPage, base: string): Promise<PageAddresses> {
    const page = pageUrl(publicUrl(request), app.slug, row.channel)
    return { page, base, pass: await installPages.downloadPass(row) }
  }

  return async (app) => {
    takeForm(app)

    app.get('/apps/:slug/install', { config, schema: { querystring: Pass } }, (request, reply) => {
      const { slug } = request.params as { slug: string }
      return show(request, reply, { slug, channel: defaultChannel, base: `install/${defaultChannel}/` })
    })
    app.get(
      '/apps/:slug/install/:channel',
      { config, schema: { params: PageParams, querystring: Pass } },
      (request, reply) => show(request, reply, { ...request.params, base: `${request.params.channel}/` }),
    )
    app.post(
      '/apps/:slug/install/:channel',
      { config, bodyLimit: MAX_FORM_BYTES, schema: { params: PageParams } },
      (request, reply) => signInto(request, reply, { ...request.params, base: `${request.params.channel}/` }),
    )

    app.get(
      '/apps/:slug/install/:channel/icons/:sha256',
      { config, schema: { params: Type.Object({ ...PageParams.properties, sha256: Type.String() }) } },
      async (request, reply) => {
        const { slug, channel, sha256 } = request.params
        const page = await enter(request, slug, channel)
        const installables = await findInstallables(page.app.slug, channel)
        const files = [...installables.values()].flat().flatMap((version) => version.files)
        const isShown = isStorageKey(sha256) && files.some(({ iconSha256 }) => iconSha256 === sha256)
        const stream = isShown ? await storage.open(sha256) : undefined
        if (!stream) throw problem('artifact-not-found', 'There is no such picture on this page.')
        const picture = await buffer(stream)
        return reply
          .headers({
            'content-type': iconType(picture),
            'cache-control': 'private, max-age=86400, immutable',
          })
          .send(picture)
      },
    )

    app.get(
      '/apps/:slug/install/:channel/manifests/:release/:name',
      { config, schema: { params: FileParams, querystring: Pass } },
      async (request, reply) => {
        const { slug, channel, release, name } = request.params
        const page = await enter(request, slug, channel)
        const { version, file } = await findFile(page, release, name.replace(/\.plist$/, ''))
        const addresses = await addressesOf(request, page, '')
        reply.headers({ 'content-type': 'text/xml; charset=utf-8', 'cache-control': 'private, no-store' })
        return reply.send(appleManifestOf(page.app, version, file, addresses))
      },
    )

    app.route({
      method: ['GET', 'HEAD'],
      url: '/apps/:slug/install/:channel/files/:release/:name',
      config,
      schema: { params: FileParams, querystring: Pass },
      handler: async (request, reply) => {
        const { slug, channel, release, name } = request.params
        const page = await enter(request, slug, channel)
        const { file } = await findFile(page, release, name)
        reply.header('cache-control', 'private, no-store')
        if (file.downloadUrl.startsWith('https:')) return reply.redirect(file.downloadUrl, 302)
        return serveFile(app, request, reply, { file, release })
      },
    })

    app.get(
      '/apps/:slug/install/:channel/changelog.json',
      { config, schema: { params: PageParams, querystring: Pass, response: { 200: Changelog } } },
      async (request, reply) => {
        const { slug, channel } = request.params
        const page = await enter(request, slug, channel)
        // Apps with pages of their own ask, too. A cookie does not come along with that.
        reply.headers({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' })
        return changelogOf(page, await findInstallables(page.app.slug, channel))
      },
    )
  }
}

interface VisitedPage {
  app: AppRow
  row: InstallPageRow
}

interface Asked {
  slug: string
  channel: string
  /** @see PageAddresses */
  base: string
}

function signIn({ app, row }: VisitedPage, base: string, fault: string | undefined): string {
  return renderSignIn({ appName: app.name, hasPassword: row.password_hash !== null, fault, action: base.slice(0, -1) })
}

function appleManifestOf(app: AppRow, version: Installable, file: InstallableFile, addresses: PageAddresses): string {
  const { application } = file
  if (!application) throw problem('artifact-not-found', 'Nothing is known of what is in this file.')
  return appleManifest({
    url: withPass(fileAddress(addresses, version.releaseId, file.name), addresses.pass),
    bundleId: application.id,
    version: application.version,
    title: application.name ?? app.name,
  })
}

function changelogOf({ app, row }: VisitedPage, installables: ReadonlyMap<string, readonly Installable[]>): Changelog {
  const platforms = [...installables].map(([platform, versions]) => {
    const entries = versions.map(({ version, publishedAt, notes }) => ({
      version,
      publishedAt,
      notes,
      notesHtml: notesHtml(notes),
    }))
    return [platform, entries] as const
  })
  return { app: app.slug, channel: row.channel, platforms: Object.fromEntries(platforms) }
}

/** With the artifact's own ranges, under the name that the file has. */
function serveFile(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  { file, release }: { file: InstallableFile; release: string },
) {
  reply.hijack()
  reply.raw.setHeader('content-type', file.contentType)
  reply.raw.setHeader('content-disposition', saveAs(file.name))
  reply.raw.setHeader('cache-control', 'private, no-store')
  request.raw.url = offeredUrl('', file.sha256, release)
  app.routing(request.raw, reply.raw)
}

function passesOf(request: FastifyRequest, channel: string): string[] {
  const { pass } = request.query as { pass?: string }
  const name = cookieName(channel)
  const cookies = (request.headers.cookie ?? '').split(';').map((each) => each.trim().split('=', 2))
  const [, kept] = cookies.find(([key]) => key === name) ?? []
  return [pass, kept].filter((each) => each !== undefined)
}

/** Names of channels have no characters that a cookie's name must not have. */
function cookieName(channel: string): string {
  return `hotpatch-install-${channel}`
}

/** What a browser sends of the page's own form; nothing else here takes it. */
function takeForm(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, { password: new URLSearchParams(body.toString()).get('password') ?? undefined })
  })
}
