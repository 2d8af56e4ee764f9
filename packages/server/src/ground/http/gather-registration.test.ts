import Fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { gatherRegistration } from './gather-registration.ts'

type Change = (app: FastifyInstance) => void
type Step = (error: Error | null, done: (error?: Error | null) => void) => void

/** As routes do it; for its types a step takes no more than the error. */
const next = (app: FastifyInstance, step: Step): unknown => Reflect.apply(app.after, app, [step])

/** What a server with these routes answers, as Fastify itself has it and as it is gathered. */
const WAYS: [string, Change][] = [
  ['as Fastify has it', () => {}],
  ['gathered', gatherRegistration],
]

describe.each(WAYS)('routes, %s', (_name, change) => {
  function start(): FastifyInstance {
    const app = Fastify()
    onTestFinished(() => app.close())
    change(app)
    return app
  }

  const says = async (app: FastifyInstance, url: string) => (await app.inject({ url })).payload

  test('have the handler of errors, and the hooks, of the plugin that they are in', async () => {
    const app = start()
    const fail = () => Promise.reject(new Error('on purpose'))
    app.get('/outside', fail)
    app.register(async (inside) => {
      inside.get('/first', fail)
      inside.get('/second', fail)
      inside.setErrorHandler((_error, _request, reply) => reply.send('handled inside'))
      inside.addHook('onSend', async (_request, _reply, payload) => `${String(payload)}, hooked`)
    })
    app.get('/last', fail)
    expect(await says(app, '/first')).toBe('handled inside, hooked')
    expect(await says(app, '/second')).toBe('handled inside, hooked')
    for (const url of ['/outside', '/last']) expect(JSON.parse(await says(app, url))).toMatchObject({ statusCode: 500 })
    expect((await app.inject({ method: 'HEAD', url: '/first' })).statusCode).toBe(200)
  })

  test('come in the order in which everything is declared', async () => {
    const app = start()
    const order: string[] = []
    const told =
      (what: string): Step =>
      (error, done) => {
        order.push(what)
        done(error)
      }
    next(app, told('one'))
    next(app, told('two'))
    app.register(async (inside) => {
      order.push('inside')
      next(inside, told('after inside'))
    })
    next(app, told('three'))
    app.after(() => void order.push('without anything'))
    next(app, told('four'))
    await app.ready()
    expect(order).toEqual(['one', 'two', 'inside', 'after inside', 'three', 'without anything', 'four'])
  })

  test('an error of a plugin arrives at the next step, which may take it, and at none after it', async () => {
    const app = start()
    const seen: (string | undefined)[] = []
    app.register(() => Promise.reject(new Error('does not load')))
    next(app, (error, done) => {
      seen.push(error?.message)
      done()
    })
    next(app, (error, done) => {
      seen.push(error?.message)
      done()
    })
    await app.ready()
    expect(seen).toEqual(['does not load', undefined])
  })

  test('an error that nobody takes ends the start', async () => {
    const app = start()
    app.register(() => Promise.reject(new Error('does not load')))
    app.get('/first', () => Promise.resolve('never'))
    app.get('/second', () => Promise.resolve('never'))
    await expect(app.ready()).rejects.toThrow('does not load')
  })
})
