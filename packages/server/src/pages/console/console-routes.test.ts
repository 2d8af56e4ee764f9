import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import Fastify, { type FastifyInstance } from 'fastify'
import { beforeEach, describe, expect, test } from 'vitest'
import { answerWithProblems } from '../../ground/http/problem-response.ts'
import { consoleRoutes } from './console-routes.ts'

const INDEX = `<!doctype html><title>HotPatch</title>
<meta name="hotpatch-console" content="./" /><script type="module" src="./assets/index-1.js"></script>`

describe('the console', () => {
  let directory: string
  let app: FastifyInstance

  beforeEach(async () => {
    directory = await temporaryDirectory()
    await mkdir(join(directory, 'assets'))
    await writeFile(join(directory, 'index.html'), INDEX)
    await writeFile(join(directory, 'assets/index-1.js'), 'as it is')
    await writeFile(join(directory, 'assets/index-1.js.br'), 'br')
    await writeFile(join(directory, 'assets/index-1.js.gz'), 'gzip')
    await writeFile(join(directory, 'secret.txt'), 'not for anybody')
    app = Fastify()
    answerWithProblems(app)
    await app.register(consoleRoutes({ directory }))
  })

  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers })

  test.each([
    ['/dashboard/', './'],
    ['/dashboard/people', './'],
    ['/dashboard/apps/demo', '../'],
    ['/dashboard/apps/demo/devices/7', '../../../'],
  ])('%s is the page, which finds what is its own at %s', async (url, up) => {
    const { statusCode, body, headers } = await get(url)
    expect(statusCode).toBe(200)
    expect(body).toContain(`content="${up}"`)
    expect(body).toContain(`src="${up}assets/index-1.js"`)
    expect(headers['cache-control']).toBe('no-store')
  })

  test('an address that is deeper than any page is none: each of the addresses in it would be as long', async () => {
    expect((await get(`/dashboard/${'a/'.repeat(19)}`)).statusCode).toBe(200)
    expect((await get(`/dashboard/${'a/'.repeat(3000)}`)).statusCode).toBe(404)
  })

  test('its style elements have the nonce of its policy, another one each time; scripts have to be files', async () => {
    const policies = await Promise.all([get('/dashboard/'), get('/dashboard/')])
    const nonces = policies.map(({ body, headers }) => {
      const [, nonce = ''] = /name="hotpatch-nonce" content="([^"]+)"/.exec(body) ?? []
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain(`style-src 'self' 'nonce-${nonce}'`)
      expect(policy).toMatch(/script-src 'self';/)
      expect(policy).not.toContain('unsafe')
      return nonce
    })
    expect(new Set(nonces).size).toBe(2)
  })

  test.each([
    ['br, gzip', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
  ])('an asset comes as small as %s allows, and for good', async (accepted, coding) => {
    const { body, headers } = await get('/dashboard/assets/index-1.js', { 'accept-encoding': accepted })
    expect(body).toBe(coding)
    expect(headers).toMatchObject({
      'content-encoding': coding,
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    })
  })

  test('who reads no coding gets it as it is', async () => {
    const { body, headers } = await get('/dashboard/assets/index-1.js')
    expect(body).toBe('as it is')
    expect(headers['content-encoding']).toBeUndefined()
  })

  test.each([
    '/dashboard/assets/index-2.js',
    '/dashboard/assets/..%2Fsecret.txt',
    '/dashboard/assets/..%2Findex.html',
    '/dashboard/assets/index-1.js.br',
    '/dashboard/assets/a/index-1.js',
    '/dashboard/assets/',
  ])('%s is not there', async (url) => {
    const { statusCode, headers } = await get(url)
    expect(statusCode).toBe(404)
    expect(headers['cache-control']).not.toMatch(/immutable/)
  })

  test('without its slash it leads to the page, also below a path of a proxy', async () => {
    const { statusCode, headers } = await get('/dashboard')
    expect(statusCode).toBe(302)
    expect(headers.location).toBe('dashboard/')
  })

  test('where nothing was built, it says so', async () => {
    const empty = Fastify()
    answerWithProblems(empty)
    await empty.register(consoleRoutes({ directory: join(directory, 'nowhere') }))
    const { statusCode, body } = await empty.inject({ method: 'GET', url: '/dashboard/' })
    expect(statusCode).toBe(404)
    expect(body).toContain('npm start')
  })
})
