import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedRelease } from '@hotpatch/api'
import type { ReleaseStatement } from '@hotpatch/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changesOf, startLyingServer, type Answer, type Change } from '../testing/lying-server.ts'
import { useServer } from '../testing/server-suite.ts'
import { MAX_SEQUENCE_JUMP } from './sequences.ts'

/** All lies instead of a part that is spread over them: minutes instead of seconds. */
const EVERY = process.env.HOTPATCH_TEST_EVERY_LIE ? 1 : 20

const server = useServer()
let liar: Awaited<ReturnType<typeof startLyingServer>>

beforeAll(async () => {
  liar = await startLyingServer(server.url())
})
afterAll(() => liar.close())

const publish = 'release --platform android --bundle-dir dist --guard roll-back --version'

/** 1.0.0, 1.1.0 and 1.2.0 on production and 1.1.0 on beta, published here or by somebody with the same project file. */
async function createHistory({ remembers }: { remembers: boolean }) {
  const tool = await server.createPublisher()
  const ids: string[] = []
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await tool.write({ 'dist/index.android.bundle': `bundle of ${version}` })
    ids.push((await tool.json<PublishedRelease>(`${publish} ${version} --min-native 2.${ids.length} --yes`)).releaseId)
  }
  await tool.json(`promote --release ${ids[1]} --version 1.1.0 --platform android --to beta --yes`)
  const { app } = tool
  await tool.json(`trust app --app ${app.slug} --project --yes`)
  const env = { ...tool.env, HOTPATCH_URL: liar.url }
  const memory = join(tool.home, '.rn-ota', 'trust.json')
  // The address of the server is another now. Known as it is from the project file, the app is the same.
  await rm(memory)
  if (remembers) await tool.json('trust app --yes', '--url', liar.url)
  const kept = `${memory}.kept`
  if (remembers) await copyFile(memory, kept)

  async function during(lie: Change['lie'], line: string) {
    let result = { exitCode: -1, stdout: '', stderr: '' }
    if (remembers) await copyFile(kept, memory)
    else await rm(memory, { force: true })
    const heard = await liar.during(lie, async () => {
      result = await tool.run(`${line} --yes --json`, { env })
    })
    return { ...heard, ...result }
  }
  return { ids, during, write: tool.write }
}

const contentOf = ({ sequence: _, createdAt: __, ...content }: ReleaseStatement) => content

const wishes = (ids: readonly string[]): [wish: string, line: string][] => [
  ['a release with its ways back', `${publish} 1.3.0 --back-to 1.2.0 --min-native 3 --floor 1`],
  ['a roll-back to a version', 'rollback --platform android --version 1.0.0'],
  ['a roll-back to embedded', 'rollback --platform android --to embedded'],
  ['a promotion by version', 'promote --platform android --version 1.0.0 --from production --to staging'],
  ['a promotion by id', `promote --release ${ids[0]} --platform android --version 1.0.0 --to staging`],
]

test.each([
  ['in a home that remembers', true],
  ['in a new home, with a project file that knows the app', false],
])(
  'whatever one field of an answer says, what is signed is what was wished: %s',
  async (_, remembers) => {
    const { ids, during, write } = await createHistory({ remembers })
    await write({ 'dist/index.android.bundle': 'bundle of 1.3.0' })
    let tried = 0
    const refusals = new Map<string, number>()
    for (const [wish, line] of wishes(ids)) {
      const honest = await during((answer) => answer.body, line)
      expect(honest.stderr).not.toContain('"error"')
      expect(honest.signed.length, wish).toBeGreaterThan(0)
      const genuine = genuineIn(honest.answers, honest.signed)
      const newest = (honest.signed[0]?.sequence ?? 0) - 1
      const changes = changesOf(honest.answers).filter(({ isClever }, index) => isClever || index % EVERY === 0)
      for (const change of changes) {
        const { signed, stderr, exitCode } = await during(change.lie, line)
        tried += 1
        const at = `${wish}: ${change.name}`
        for (const [index, statement] of signed.entries()) {
          // What the user named is exactly that. A step that nobody named is something that this publisher once signed.
          const named = contentOf(honest.signed[index] as ReleaseStatement)
          if (index <= 1) expect(contentOf(statement), at).toEqual(named)
          else expect(genuine, at).toContainEqual(contentOf(statement))
          expect(statement.sequence, at).toBeGreaterThan(0)
          expect(statement.sequence, at).toBeLessThanOrEqual(newest + MAX_SEQUENCE_JUMP + index)
        }
        if (exitCode === 0) continue
        const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '{}') as {
          error?: { type: string; message: string }
        }
        expect(error?.message, at).toMatch(/\w/)
        expect(error?.type, `${at}: ${stderr}`).not.toBe('unexpected')
        refusals.set(error?.type ?? '', (refusals.get(error?.type ?? '') ?? 0) + 1)
      }
    }
    expect(tried).toBeGreaterThan(100)
    const types = ['app-changed', 'statement-mismatch', 'statement-untrusted', 'sequence-jump', 'answer-unexpected']
    expect([...refusals.keys()]).toEqual(expect.arrayContaining(types))
  },
  600_000,
)

/** What this publisher signed: every statement in the answers, and what an honest run signs. */
function genuineIn(answers: readonly Answer[], signed: readonly ReleaseStatement[]) {
  const texts = JSON.stringify(answers).match(/[A-Za-z0-9+/]{200,}={0,2}/g) ?? []
  const stated = texts.map((text) => JSON.parse(Buffer.from(text, 'base64').toString()) as ReleaseStatement)
  return [...stated, ...signed].map(contentOf)
}
