import ajvFormats from 'ajv-formats'
import { faultOfName, NAME_KEYWORD } from '@hotpatch/api'
import { Ajv, type SchemaValidateFunction, type ValidateFunction } from 'ajv'
import fastJsonStringify from 'fast-json-stringify'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Compiles every schema that is not compiled yet, for tests: else the first request would find the one that cannot
     * be compiled. @returns how many there are in all
     */
    compileSchemas(): number
  }
}

/** One schema of one route. */
interface SchemaPlace {
  schema: object
  method?: string
  url?: string
  /** The body of a request, its query and so on; absent for an answer. */
  httpPart?: string
  httpStatus?: string
}

/** What was compiled in this process, by what it was compiled from: a server that is not its first compiles nothing. */
const compiledInputs = new Map<string, ValidateFunction>()
const compiledAnswers = new Map<string, (value: unknown) => string>()

const OPTIONS = { useDefaults: true, removeAdditional: false, multipleOfPrecision: 6, allowUnionTypes: true } as const
function createAjv(coerceTypes: boolean): Ajv {
  const ajv = ajvFormats.default(new Ajv({ ...OPTIONS, coerceTypes }))
  const validate: SchemaValidateFunction = (_keyword, name: string, _schema, place) => {
    const trimmed = name.trim()
    const fault = faultOfName(trimmed)
    validate.errors = fault === undefined ? [] : [{ keyword: NAME_KEYWORD, message: fault, params: {} }]
    if (place) place.parentData[place.parentDataProperty] = trimmed
    return fault === undefined
  }
  // What comes after the other checks of a text is as they saw it, and what is kept is without blanks around it.
  return ajv.addKeyword({ keyword: NAME_KEYWORD, type: 'string', modifying: true, validate })
}
let strict: Ajv | undefined
let lenient: Ajv | undefined

/**
 * Compiles a route's schemas when they are first needed. There are hundreds, and compiling all of them at the start
 * took half of it.
 */
export function compileOnFirstUse() {
  const all: (() => unknown)[] = []

  /** Compiles once, and says for whom it could not be done. */
  function later<T>(place: SchemaPlace, compile: () => T): () => T {
    let compiled: T | undefined
    const get = () => (compiled ??= named(place, compile))
    all.push(get)
    return get
  }

  function buildValidator(place: SchemaPlace) {
    const get = later(place, () => compileForInput(place))
    const validate = (value: unknown): boolean => {
      const compiled = get()
      const isValid = compiled(value)
      validate.errors = compiled.errors
      return isValid
    }
    // Where the framework looks for what was wrong.
    validate.errors = undefined as ValidateFunction['errors']
    return validate
  }

  function buildSerializer(place: SchemaPlace) {
    const get = later(place, () => compileForAnswer(place))
    return (value: unknown) => get()(value)
  }

  // Its types are those of the compilers that Fastify would load itself, which are called the same way.
  const schemaController = {
    compilersFactory: { buildValidator: () => buildValidator, buildSerializer: () => buildSerializer },
  } as unknown as NonNullable<FastifyServerOptions['schemaController']>

  return {
    schemaController,
    decorate(app: FastifyInstance) {
      app.decorate('compileSchemas', () => {
        for (const compile of all) compile()
        return all.length
      })
    },
  }
}

function named<T>({ method = '', url = '', httpPart, httpStatus }: SchemaPlace, compile: () => T): T {
  try {
    return compile()
  } catch (error) {
    const part = httpPart ?? `answer ${httpStatus}`
    throw new Error(`The schema of the ${part} of ${method} ${url} cannot be compiled.`, { cause: error })
  }
}

/** A query is text, and its numbers are read from it; a body says what it means, and is taken as it is. */
function compileForInput({ schema, httpPart }: SchemaPlace): ValidateFunction {
  const isBody = httpPart === 'body'
  return once(compiledInputs, `${isBody ? 'body' : 'text'} ${JSON.stringify(schema)}`, () => {
    const ajv = isBody ? (strict ??= createAjv(false)) : (lenient ??= createAjv(true))
    return ajv.compile(schema)
  })
}

function compileForAnswer({ schema }: SchemaPlace): (value: unknown) => string {
  return once(compiledAnswers, JSON.stringify(schema), () => fastJsonStringify(schema))
}

function once<T>(known: Map<string, T>, key: string, compile: () => T): T {
  const found = known.get(key) ?? compile()
  known.set(key, found)
  return found
}
