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
