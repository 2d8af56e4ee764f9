/**
 * Plays one after the other, and says how each ended. A story that goes wrong ends none of the others.
 *
 * @param only a part of the names of those that are played
 */
export function createStories(only = '') {
  const failed: string[] = []
  let passed = 0

  return {
    async play(name: string, story: () => Promise<void>): Promise<void> {
      if (!name.includes(only)) return
      try {
        await story()
        passed += 1
        console.log(`ok      ${name}`)
      } catch (error) {
        failed.push(name)
        console.log(`FAILED  ${name}`)
        console.log(error)
      }
    },
    /** Fails the process if a story did. */
    end(what: string): void {
      console.log(`${what}: ${passed} passed, ${failed.length} failed`)
      if (failed.length > 0) process.exitCode = 1
    },
  }
}
