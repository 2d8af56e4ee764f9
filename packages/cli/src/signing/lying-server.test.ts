import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedRelease } from '@hotpatch/api'
import { readReleaseStatement, type ReleaseStatement } from '@hotpatch/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changesOf, startLyingServer, type Answer, type Change } from '../testing/lying-server.ts'
import { useServer } from '../testing/server-suite.ts'
import { MAX_SEQUENCE_JUMP } from './sequences.ts'

/** All lies instead of the clever ones and a part that is spread over the others: minutes instead of seconds. */
const EVERY = process.env.HOTPATCH_TEST_EVERY_LIE ? 1 : 100

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

const contentOf = ({ sequence: _, createdAt: __, ...content }: ReleaseStatement) => JSON.stringify(content)

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
    const faults: string[] = []
    const refusals = new Set<string>()
    let tried = 0
    for (const [wish, line] of wishes(ids)) {
      const honest = await during((answer) => answer.body, line)
      expect([wish, honest.stderr, honest.signed.length > 0]).toEqual([
        wish,
        expect.not.stringContaining('"error"'),
        true,
      ])
      const genuine = genuineIn(honest.answers, honest.signed)
      const changes = changesOf(honest.answers).filter(({ isClever }, index) => isClever || index % EVERY === 0)
      for (const change of changes) {
        const heard = await during(change.lie, line)
        tried += 1
        const fault = signedFault(heard.signed, honest.signed, genuine) ?? refusalFault(heard, refusals)
        if (fault !== undefined) faults.push(`${wish}: ${change.name}: ${fault}`)
      }
    }
    expect(faults).toEqual([])
    expect(tried).toBeGreaterThan(100)
    // Every one of these is what some clever lie comes to, so that none depends on which others are tried.
    const types = ['app-changed', 'statement-mismatch', 'statement-untrusted', 'sequence-jump', 'answer-unexpected']
    expect([...refusals]).toEqual(expect.arrayContaining(types))
  },
  900_000,
)

/** What the user named is exactly that. A step that nobody named is something that this publisher once signed. */
function signedFault(
  signed: readonly ReleaseStatement[],
  honest: readonly ReleaseStatement[],
  genuine: ReadonlySet<string>,
): string | undefined {
  const highest = (honest[0]?.sequence ?? 0) - 1 + MAX_SEQUENCE_JUMP
  for (const [index, statement] of signed.entries()) {
    const named = honest[index]
    const isRight = index <= 1 ? named && contentOf(named) === contentOf(statement) : genuine.has(contentOf(statement))
    if (!isRight) return `signed ${contentOf(statement)}`
    if (statement.sequence < 1 || statement.sequence > highest + index) return `signed sequence ${statement.sequence}`
  }
  return undefined
}

/** A refusal says something that a person understands. */
function refusalFault({ exitCode, stderr }: { exitCode: number; stderr: string }, refusals: Set<string>) {
  if (exitCode === 0) return undefined
  const { error } = JSON.parse(stderr.trim().split('\n').at(-1) ?? '{}') as {
    error?: { type: string; message: string }
  }
  if (!error?.message || error.type === 'unexpected') return `said ${stderr}`
  refusals.add(error.type)
  return undefined
}

/** What this publisher signed: every statement in the answers, and what an honest run signs. */
function genuineIn(answers: readonly Answer[], signed: readonly ReleaseStatement[]) {
  const texts = JSON.stringify(answers).match(/[A-Za-z0-9+/]{200,}={0,2}/g) ?? []
  const stated = texts.map((text) => readReleaseStatement(Buffer.from(text, 'base64').toString()))
  return new Set([...stated, ...signed].map(contentOf))
}
