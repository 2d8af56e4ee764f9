import { createHash } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { problem } from '@hotpatch/protocol'
import { MANAGEMENT_PREFIX } from './management-api.ts'

/**
 * What a person finds who opens the server's address. Machines are told, as ever, that there is nothing at it.
 * It says nothing of the apps that are here: anybody can read it.
 */
export function frontPage(version: string, publicUrl: string | null): FastifyPluginAsync {
  const page = render(version, publicUrl)
  return async (app) => {
    app.get('/', { config: { access: 'public' } }, (request, reply) => {
      reply.header('vary', 'accept')
      if (!wantsPage(request)) throw problem('not-found', 'There is no GET /.')
      return reply.headers(HEADERS).send(page)
    })
  }
}

/** Only who names it: a client that takes anything gets what machines get. */
function wantsPage(request: FastifyRequest): boolean {
  const ranges = (request.headers.accept ?? '').toLowerCase().split(',')
  return ranges.some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    return type === 'text/html' && !parameters.some((each) => /^q=0(\.0*)?$/.test(each))
  })
}

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; padding: 3rem 1.25rem; max-width: 40rem; }
h1 { margin: 0 0 .25rem; font-size: 2rem; }
p { margin: .75rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.25rem; margin: 2rem 0; }
dd { margin: 0; }
pre { padding: .75rem 1rem; border-radius: .5rem; white-space: pre-wrap; background: rgb(128 128 128 / .15); }
footer { margin-top: 3rem; opacity: .7; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .75rem; } }
`

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-cache',
}

/** Addresses are relative: a proxy may have put the server below a path. */
function render(version: string, publicUrl: string | null): string {
  const api = MANAGEMENT_PREFIX.slice(1)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>HotPatch</title>
<style>${STYLE}</style>
<main>
<h1>HotPatch</h1>
<p>This server ships over-the-air updates to apps. It works: there is nothing to be done on this page.</p>
<p>Apps and their publishers talk to it through its API. To publish with the command-line tool, log in with a token from
whoever runs this server; it asks for it:</p>
<pre><code>npx hotpatch login --url ${escaped(publicUrl ?? '<the address of this page>')}
npx hotpatch --help</code></pre>
<dl>
<dt><a href="dashboard/">Console</a></dt><dd>the pages for people: releases, rollouts, devices</dd>
<dt><a href="${api}/reference">API reference</a></dt><dd>the management API, to read and to try</dd>
<dt><a href="${api}/openapi.json">OpenAPI</a></dt><dd>the same for programs</dd>
<dt><a href="healthz">Health</a></dt><dd>whether the process answers; <a href="readyz">readiness</a> asks the database, too</dd>
</dl>
<p>Guides and the protocol are in the folder <code>docs</code> of the repository that this server comes from.</p>
</main>
<footer>Version ${version}</footer>
</html>
`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
