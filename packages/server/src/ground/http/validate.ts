import { problem } from '@hotpatch/protocol'
import type { TSchema, Static } from 'typebox'
import { Compile } from 'typebox/compile'

/** Compiled when it is first needed: most processes start often, and need few of their schemas. */
export function createCheck<Schema extends TSchema>(schema: Schema) {
  let compiled: ReturnType<typeof Compile<Schema>> | undefined
  const get = () => (compiled ??= Compile(schema))
  return {
    Check: (value: unknown): value is Static<Schema> => get().Check(value),
    Errors: (value: unknown) => get().Errors(value),
  }
}

/** For JSON that does not come as a body, such as a part of a form. @throws problem invalid-request */
export function createValidator<Schema extends TSchema>(schema: Schema, name: string) {
  const validator = createCheck(schema)
  return function validate(value: unknown): Static<Schema> {
    if (validator.Check(value)) return value
    const errors = [...validator.Errors(value)].slice(0, 10).map(({ instancePath, message }) => ({
      pointer: `#${instancePath}`,
      detail: message,
    }))
    const first = errors[0]
    const detail = `${name}${first?.pointer.slice(1) ?? ''}: ${first?.detail ?? 'not as expected'}`
    throw problem('invalid-request', detail, { errors })
  }
}
