/** What this machine has not, and is no fault of anything that is measured. */
export class NotHere extends Error {}

/** @throws NotHere with what was wanted and what came of it */
export async function need<Result>(what: string, wanted: Promise<Result>): Promise<Result> {
  try {
    return await wanted
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    const [line = ''] = text
      .split('\n')
      .filter((each) => each.trim() !== '')
      .slice(-1)
    throw new NotHere(`${what}: ${line.trim()}`, { cause })
  }
}
