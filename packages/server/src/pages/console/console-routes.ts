import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { takenCodings } from '../../ground/http/accept-encoding.ts'
import type { Coding } from '../../ground/http/codings.ts'

/** Names as the build makes them: nothing else is looked for on disk. */
const ASSET_NAME = /^[\w-][\w.-]{0,199}$/
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
}
const ENDINGS = { br: '.br', gzip: '.gz' } as const satisfies Record<Coding, string>
const NONCE_BYTES = 16
/** No page of the console is deeper; and each of its addresses is written with the way back up. */
const MAX_DEPTH = 20

/**
 * The console: its page at whatever address below /dashboard/, as the page itself knows which of its own it shows, and the
 * assets that the page names. @param directory where `npm start` or the package has put what was built
 */
export function consoleRoutes({ directory }: { directory: string }): FastifyPluginAsync {
  const config = { access: 'public' as const }

  async function sendAsset(request: FastifyRequest, reply: FastifyReply, name: string) {
    const contentType = CONTENT_TYPES[extname(name)]
    const found = ASSET_NAME.test(name) && contentType !== undefined && (await readAsset(directory, name, request))
    if (!found)
      throw problem('not-found', 'The console has no such file. Load the page anew: it may have been updated.')
    // Its name has the digest of what is in it.
    reply.headers({
      'content-type': contentType,
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      vary: 'accept-encoding',
    })
    if (found.coding) reply.header('content-encoding', found.coding)
    return reply.send(found.bytes)
  }

  async function sendPage(reply: FastifyReply, path: string) {
    if (path.split('/').length > MAX_DEPTH) throw problem('not-found', 'The console has no page at this address.')
    const html = await readFile(join(directory, 'index.html'), 'utf8').catch(ifThere)
    if (html === undefined) {
      throw problem('not-found', 'The pages of the console have not been built here: `npm start` does that.')
    }
    const nonce = randomBytes(NONCE_BYTES).toString('base64')
    return reply.headers(pageHeaders(nonce)).send(render(html, path, nonce))
  }

  return async (app) => {
    app.get('/dashboard', { config }, (_request, reply) => reply.redirect('dashboard/', 302))
    app.get('/dashboard/*', { config }, (request, reply) => {
      const { '*': path } = request.params as { '*': string }
      return path.startsWith('assets/') ? sendAsset(request, reply, path.slice(7)) : sendPage(reply, path)
    })
  }
}

/** As small as the client can read it. */
async function readAsset(directory: string, name: string, request: FastifyRequest) {
  for (const coding of takenCodings(request.headers['accept-encoding'])) {
    const bytes = await readFile(join(directory, 'assets', name + ENDINGS[coding])).catch(ifThere)
    if (bytes) return { bytes, coding }
  }
  const bytes = await readFile(join(directory, 'assets', name)).catch(ifThere)
  return bytes && { bytes, coding: undefined }
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}

/** The page's addresses are relative to its own, of any depth: a proxy may have put the server below a path. */
function render(html: string, path: string, nonce: string): string {
  const up = '../'.repeat(path.split('/').length - 1) || './'
  return html
    .replaceAll('"./', `"${up}`)
    .replace('</title>', `</title>\n    <meta name="hotpatch-nonce" content="${nonce}" />`)
}

/** Nothing from elsewhere, and no script but its own files. The nonce is for the theme's variables, a style element. */
function pageHeaders(nonce: string) {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
      "img-src 'self' data: blob:",
      "font-src 'self'",
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'; frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
  }
}
