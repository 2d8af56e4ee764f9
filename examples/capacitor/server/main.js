import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createBundleHandler } from '@hotpatch/web-bundle-server'
import { readPages } from './pages.js'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const version = readFileSync(`${dist}/bundle/VERSION`, 'utf8').trim()

// The same front end twice: as pages for browsers, and as a zip for the apps.
const pages = readPages(`${dist}/browser`)
const bundles = createBundleHandler({ directory: `${dist}/bundle`, onUnavailable: console.warn })

// In the app, pages have an origin of their own, so they read this server's answers from elsewhere.
const appOrigins = (process.env.APP_ORIGINS ?? 'https://localhost,capacitor://localhost').split(',')

const notes = ['Buy bread', 'Call Ada', 'Water the plants']

const server = createServer(async (request, response) => {
  if (await bundles(request, response)) return
  if (!['GET', 'HEAD'].includes(request.method ?? '')) return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
  const path = (request.url ?? '/').split('?')[0]
  if (path.startsWith('/api/')) return answerApi(path, request, response)
  const page = pages.find(path)
  if (!page) return void response.writeHead(404).end('Not found')
  response.writeHead(200, page.headers).end(request.method === 'HEAD' ? undefined : page.bytes)
})

function answerApi(path, request, response) {
  const { origin } = request.headers
  response.setHeader('vary', 'origin')
  if (appOrigins.includes(origin)) response.setHeader('access-control-allow-origin', origin)
  const found = path === '/api/v1/notes'
  response.writeHead(found ? 200 : 404, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(found ? { version, notes } : { code: 'NOT_FOUND' }))
}

server.listen(Number(process.env.PORT ?? 8080), process.env.HOST, () => {
  console.log(`Notes ${version} listens on http://localhost:${server.address().port}`)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    bundles.close()
    server.close()
    server.closeIdleConnections()
  })
}
