/** What is missing on this machine, and is no fault of ours. */
export class MissingTool extends Error {}

/** @throws MissingTool when it fails */
export async function attempt<Result>(what: string, attempted: Promise<Result>): Promise<Result> {
  try {
    return await attempted
  } catch (cause) {
    const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n').slice(-2)
    throw new MissingTool(`${what} cannot be had here: ${line.trim()}`, { cause })
  }
}

/** Says what is missing, and ends as a skipped test does. @param takes all that this takes, for people */
export async function orSkip<Result>(prepared: Promise<Result>, takes: string): Promise<Result> {
  return prepared.catch((error: unknown) => {
    if (!(error instanceof MissingTool)) throw error
    console.log(`Skipped: ${error.message}. ${takes}`)
    return process.exit(77)
  })
}

/** What happens in the background, looked at for two minutes or more: what `look` says when it says something at last. */
export async function until<Seen>(what: string, look: () => Promise<Seen | false | null | undefined>): Promise<Seen> {
  for (let times = 0; times < 1200; times += 1) {
    const seen = await look()
    if (seen) return seen
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`It never came to this: ${what}.`)
}
