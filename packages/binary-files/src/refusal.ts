import { Problem, problem } from '@hotpatch/protocol'

/** Reads `throw refusal('Expected …, found …')`. */
export function refusal(detail: string, options?: ErrorOptions): Problem {
  return problem('invalid-binary', detail, {}, options)
}

/** What Node says of a read beyond the end of a buffer, and of an array or a string that is too long. */
const BEYOND = /^ERR_(OUT_OF_RANGE|BUFFER_OUT_OF_BOUNDS)$/

/** Runs what reads bytes by what they say of themselves: a count or an offset that lies is the file's fault. */
export function readingOf<Read>(what: string, read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError) || !('code' in error) || !BEYOND.test(String(error.code))) throw error
    throw refusal(`${what}: expected a whole one, found a count or an offset that points beyond its end.`, {
      cause: error,
    })
  }
}

/** The file, as the one who uploaded it knows it, in front of what is wrong with it. */
export function namedRefusal(error: unknown, name: string): unknown {
  if (!(error instanceof Problem) || (error.type !== 'invalid-binary' && error.type !== 'invalid-archive')) return error
  const { rule } = error.extensions
  const detail = rule === 'zip64' ? ZIP64 : error.message
  return problem('invalid-binary', `${JSON.stringify(name.slice(0, 200))}: ${detail}`, {}, { cause: error })
}

const ZIP64 = 'Expected a zip of less than 4 GiB and 65,535 files, found ZIP64, which HotPatch does not read.'
