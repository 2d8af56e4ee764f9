// npm run demo:kit: a kit that is updated under load, a broken release that is taken back, and a way back that is signed
import { rm } from 'node:fs/promises'
import { makeTemporaryDirectory } from '../packages/testkit/src/make-temporary-directory.ts'
import { formatChapters } from './kit/chapter-table.ts'
import { tellKitStory } from './kit/story.ts'
import { tell } from './story.ts'

const end = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort())
const startedAt = Date.now()
const directory = await makeTemporaryDirectory()

try {
  const say = (text: string) => tell(startedAt, text)
  say('A shop at home, of four components, its database and its settings. It needs nginx on this machine.')
  const chapters = await tellKitStory({ directory, say, signal: end.signal })
  process.stdout.write(`\n${formatChapters(chapters)}\n`)
  const problems = [...new Set(chapters.flatMap((chapter) => chapter.problems))]
  for (const problem of problems) process.stdout.write(`Failed: ${problem}\n`)
} catch (error) {
  // Whoever stops it has seen enough.
  if (!end.signal.aborted) throw error
} finally {
  await rm(directory, { recursive: true, force: true })
}
