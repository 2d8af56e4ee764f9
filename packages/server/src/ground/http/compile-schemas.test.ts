import { startTestServer } from '@hotpatch/testkit'
import Fastify from 'fastify'
import { afterAll, expect, test } from 'vitest'
import { compileOnFirstUse } from './compile-schemas.ts'

const server = await startTestServer()
afterAll(() => server.close())

function withSchemas() {
  const schemas = compileOnFirstUse()
  const app = Fastify({ schemaController: schemas.schemaController })
  schemas.decorate(app)
  return app
}

const BROKEN = { type: 'object', properties: { name: { type: 'strinng' } } }

test('every schema of every route can be compiled', async () => {
  await server.app.http.ready()
  expect(server.app.http.compileSchemas()).toBeGreaterThan(150)
})

test.each([
  ['body', { body: BROKEN }],
  ['answer 200', { response: { 200: BROKEN } }],
])('one that cannot be compiled is named: the %s', async (part, schema) => {
  const app = withSchemas()
  app.post('/things', { schema }, () => ({ name: 'one' }))
  await app.ready()
  expect(() => app.compileSchemas()).toThrow(`The schema of the ${part} of POST /things cannot be compiled.`)
  // Found by nobody but the first request, which is why the test above is there.
  expect((await app.inject({ method: 'POST', url: '/things', payload: {} })).statusCode).toBe(500)
})

test('a query is read from text, a body is taken as it is', async () => {
  const app = withSchemas()
  const count = { type: 'object', properties: { count: { type: 'integer' } } }
  app.get('/things', { schema: { querystring: count } }, (request) => request.query)
  app.post('/things', { schema: { body: count } }, (request) => request.body)
  expect((await app.inject('/things?count=3')).json()).toEqual({ count: 3 })
  expect((await app.inject({ method: 'POST', url: '/things', payload: { count: 3 } })).json()).toEqual({ count: 3 })
  const text = await app.inject({ method: 'POST', url: '/things', payload: { count: '3' } })
  expect([text.statusCode, text.json().message]).toEqual([400, 'body/count must be integer'])
})
