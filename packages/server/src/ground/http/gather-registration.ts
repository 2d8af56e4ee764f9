import type { FastifyInstance } from 'fastify'

/** Where Fastify looks first for what a plugin is called. It would go on through every module that is loaded. */
const DISPLAY_NAME = Symbol.for('fastify.display-name')

type Done = (error?: Error | null) => void
type Step = (error: Error | null, done: Done) => void
type Take = (this: object, step?: unknown, options?: unknown) => unknown

/**
 * There are hundreds of routes, and registering them is most of a start. Fastify finishes each in a step of its own, a
 * plugin with a queue and a timer: the steps of routes that are declared one after the other become one, in their order.
 * What is registered in between still comes in between.
 */
export function gatherRegistration(app: FastifyInstance): void {
  const gathered = new WeakMap<object, Step[]>()
  const { after, register } = app as unknown as { after: Take; register: Take }

  function gatherStep(this: object, step?: unknown): unknown {
    if (!isStep(step)) {
      gathered.delete(this)
      return after.call(this, step)
    }
    const earlier = gathered.get(this)
    if (earlier) {
      earlier.push(step)
      return this
    }
    const steps = [step]
    gathered.set(this, steps)
    return after.call(this, (error: Error | null, done: Done) => {
      // What is declared from here on is for a later step.
      if (gathered.get(this) === steps) gathered.delete(this)
      runInTurn(steps, error, done)
    })
  }

  function registerNamed(this: object, plugin?: unknown, options?: unknown): unknown {
    gathered.delete(this)
    if (typeof plugin === 'function' && !Object.hasOwn(plugin, DISPLAY_NAME)) {
      Object.defineProperty(plugin, DISPLAY_NAME, { value: plugin.name || 'routes' })
    }
    return register.call(this, plugin, options)
  }

  Object.assign(app, { after: gatherStep, register: registerNamed })
}

/** As the ones of routes are: those that take less, or more, are called in another way. */
function isStep(step: unknown): step is Step {
  return typeof step === 'function' && step.length === 2
}

/** Each is told of the error that the one before has left. */
function runInTurn(steps: readonly Step[], error: Error | null, done: Done, index = 0): void {
  const step = steps[index]
  if (!step) done(error)
  else step(error, (left) => runInTurn(steps, left ?? null, done, index + 1))
}
