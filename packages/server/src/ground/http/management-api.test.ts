import { startTestServer } from '@hotpatch/testkit'
import { afterAll, describe, expect, test } from 'vitest'

interface Operation {
  summary?: string
  tags?: string[]
  parameters?: { name: string; in: string }[]
  requestBody?: unknown
  security?: unknown[]
  responses: Record<string, unknown>
}

const server = await startTestServer()
afterAll(() => server.close())

const { body: document } = await server.request('GET', '/manage/v1/openapi.json', { token: null })
const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
)

const OTHER_TYPES: Record<string, string> = { '/stream': 'text/event-stream', '/export': 'application/x-ndjson' }

/** Says in a header where the upload is, as tus has it. */
const HAS_NO_BODY = new Set(['POST /manage/v1/apps/{app}/uploads'])

describe('the OpenAPI document', () => {
  test('is of the version 3.1', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'HotPatch management API' } })
    expect(document.components.securitySchemes.token).toEqual({ type: 'http', scheme: 'bearer' })
    expect(document.security).toEqual([{ token: [] }])
  })

  test('has every management route, and nothing else', () => {
    const routes = server.app.http.declaredRoutes
      .filter(({ url }) => url.startsWith('/manage/v1/') && !/\/(?:openapi\.json|reference)\b/.test(url))
      .flatMap(({ method, url }) => [method].flat().map((each) => `${each} ${url.replace(/:(\w+)/g, '{$1}')}`))
      .filter((name) => !name.startsWith('HEAD '))
    expect(operations.map(({ name }) => name).sort()).toEqual(routes.sort())
    expect(routes.length).toBeGreaterThan(25)
  })

  test.each(operations)('$name says what it does and answers', ({ name, operation }) => {
    const { summary, tags, parameters = [], responses } = operation
    expect(summary).toBeTruthy()
    expect(tags).toHaveLength(1)
    const named = parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name)
    expect(named.sort()).toEqual([...name.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort())
    const contentType = OTHER_TYPES[name.slice(name.lastIndexOf('/'))] ?? 'application/json'
    const success = Object.keys(responses).filter((status) => /^[23]/.test(status))
    expect(success).not.toHaveLength(0)
    for (const status of success) {
      if (['204', '303'].includes(status) || HAS_NO_BODY.has(name))
        expect(responses[status]).not.toHaveProperty('content')
      else expect(responses[status]).toHaveProperty(['content', contentType, 'schema'])
    }
    expect(responses.default).toEqual({ $ref: '#/components/responses/Problem' })
  })

  test('says which operations want no token', () => {
    const open = server.app.http.declaredRoutes
      .filter(({ url, config }) => url.startsWith('/manage/v1/') && config?.access === 'public')
      .flatMap(({ method, url }) => [method].flat().map((each) => `${each} ${url.replace(/:(\w+)/g, '{$1}')}`))
    const said = operations.filter(({ operation }) => operation.security?.length === 0).map(({ name }) => name)
    expect(said.sort()).toEqual(open.filter((name) => operations.some((each) => each.name === name)).sort())
    expect(said).toContain('POST /manage/v1/sign-in')
  })

  test('describes the form of a publish', () => {
    const form = document.paths['/manage/v1/apps/{app}/releases'].post.requestBody.content['multipart/form-data'].schema
    // The bytes may have come before.
    expect(form.required).toEqual(['metadata'])
    expect(form.properties).toHaveProperty('bundle')
    expect(form.properties.metadata.required).toEqual(['platform', 'version'])
  })

  test('refers only to what it has', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(references).toContain('components/responses/Problem')
    for (const reference of new Set(references)) {
      const found = reference
        .split('/')
        .reduce((value: unknown, key) => (value as Record<string, unknown>)[key], document)
      expect([reference, typeof found]).toEqual([reference, 'object'])
    }
    expect(document.components.schemas.Problem.properties).toMatchObject({
      type: {},
      status: {},
      detail: {},
      instance: {},
    })
  })
})

describe('the reference page', () => {
  const get = (path: string) => server.app.http.inject(path)

  test('says no as everything else does', async () => {
    const absent = await get('/manage/v1/reference/static/absent.js')
    expect([absent.statusCode, absent.json()]).toEqual([404, expect.objectContaining({ type: '/problems/not-found' })])
    expect(absent.headers['cache-control']).toBe('no-store')
  })

  test('answers for what it describes, and carries none of it out', async () => {
    const head = await server.app.http.inject({ method: 'HEAD', url: '/manage/v1/reference/' })
    expect([head.statusCode, head.body]).toEqual([200, ''])
    expect((await get('/manage/v1/reference/json')).json()).toEqual(document)
  })

  test.each(['/manage/v1/reference/', '/manage/v1/reference'])('%s loads nothing from elsewhere', async (address) => {
    const page = await get(address)
    expect(page.statusCode).toBe(200)
    const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(loaded.length).toBeGreaterThan(2)
    for (const url of loaded) {
      expect(url).not.toMatch(/^(?:\w+:)?\/\//)
      const path = new URL(url, `http://here${address}`).pathname
      const file = await get(path)
      expect([path, file.statusCode]).toEqual([path, 200])
      if (path.endsWith('.css')) expect(file.body).not.toMatch(/(?:url\(|@import )["']?(?:https?:)?\/\//)
    }
    // Whatever a script would fetch, the browser may load from here only.
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toMatch(/^default-src 'self';/)
    expect(policy).not.toMatch(/https?:|\*/)
  })
})
