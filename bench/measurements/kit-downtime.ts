import { tellKitStory } from '../../demo/kit/story.ts'
import type { Measurement } from '../finding.ts'
import { makeDirectory, removeDirectory } from '../sandbox.ts'

/** What people notice of an update of a whole system: the story of npm run demo:kit. */
export const kitDowntime: Measurement = {
  name: 'kit-downtime',
  async measure(bench) {
    const directory = makeDirectory()
    const { signal } = new AbortController()
    const chapters = await tellKitStory({ directory, say: bench.say, signal })
    removeDirectory(directory)
    return chapters.map(({ what, answered, failed, longestSilenceMs, problems }) => ({
      what: `kit: ${what}`,
      value: failed,
      unit: 'failed requests',
      budget: '0',
      met: failed === 0,
      note: [
        `of ${answered + failed}; longest time without an answer: ${longestSilenceMs.toFixed(0)} ms`,
        ...problems,
      ].join('; '),
    }))
  },
}
