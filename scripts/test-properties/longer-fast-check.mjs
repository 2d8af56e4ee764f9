// Stands for fast-check in a run of `npm run test:properties`: the same, but each property is tried for a time, not so often.
import fastCheck from '../../node_modules/fast-check/lib/fast-check.js'

export * from '../../node_modules/fast-check/lib/fast-check.js'

const milliseconds = Number(process.env.HOTPATCH_PROPERTY_SECONDS) * 1000

/** Time alone ends a search that finds nothing: that is no failure. */
function assert(property, parameters = {}) {
  return fastCheck.assert(property, {
    ...parameters,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
  })
}

export default new Proxy(fastCheck, { get: (target, name) => (name === 'assert' ? assert : target[name]) })
