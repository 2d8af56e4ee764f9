import { describe, expect, test } from 'vitest'
import { createLossyDisk } from '../../testing/lossy-disk.ts'
import { describeComponentAdapter, layFiles, workOn, type ComponentCase } from '../testing/component-suite.ts'
import { editEnv } from './edit-env.ts'
import { editJson } from './edit-json.ts'
import { repairAdapter } from './repair-adapter.ts'

const of: ComponentCase = {
  adapter: repairAdapter,
  place: { path: '' },
  component: {
    files: [],
    repairs: [
      { target: 'gateway', set: { OAUTH_BASE_URL: 'https://${SITE}/oauth' } },
      { target: 'web', set: { 'cors.origin': 'https://${SITE}' } },
    ],
  },
  installation: {
    variables: { SITE: 'home.example.com' },
    repairTargets: {
      gateway: { path: 'conf/gateway.env', format: 'env', keys: ['OAUTH_BASE_URL'] },
      web: { path: 'conf/web.json', format: 'json', keys: ['cors.origin'] },
    },
  },
  before: {
    nothing: { lay: async () => undefined },
    'old settings': {
      async lay(disk) {
        await layFiles(disk, {
          'conf/gateway.env': '# ours\nOAUTH_BASE_URL=http://localhost\nSECRET="a b"\n',
          'conf/web.json': '{\n  "theme": "dark",\n  "cors": { "origin": "*" }\n}\n',
        })
        await disk.setRights('conf/gateway.env', { mode: 0o640 })
      },
    },
  },
  touches: ['conf/gateway.env', 'conf/web.json'],
  expectNew(seen) {
    expect(seen.get('conf/gateway.env')).toMatch(/^(640|600) [^]*OAUTH_BASE_URL=https:\/\/home\.example\.com\/oauth\n/)
    expect(JSON.parse(seen.get('conf/web.json')?.replace(/^\d+ /, '') ?? '')).toMatchObject({
      cors: { origin: 'https://home.example.com' },
    })
  },
}

describeComponentAdapter('repair', of)

describe('settings of an environment', () => {
  test.each([
    [
      'in its place, with what is around it',
      '# a\n\nexport A="old" \nB=1\n',
      { A: 'new' },
      '# a\n\nexport A=new\nB=1\n',
    ],
    ['twice', 'A=1\nB=2\nA=3\n', { A: '4' }, 'A=4\nB=2\nA=4\n'],
    ['that was not there', 'B=2\n', { A: '1' }, 'B=2\nA=1\n'],
    ['without a line at the end', 'B=2', { A: '1' }, 'B=2\nA=1\n'],
    ['of nothing', '', { A: '1' }, 'A=1\n'],
    ['in comments nothing is set', '#A=1\n', { A: '2' }, '#A=1\nA=2\n'],
    ['with endings of Windows', 'A=1\r\nB=2\r\n', { B: '3', C: '4' }, 'A=1\r\nB=3\r\nC=4\r\n'],
    ['not in a value of several lines', 'X="one\nA=1\nthree"\nA=2\n', { A: '3' }, 'X="one\nA=1\nthree"\nA=3\n'],
    ['a value of several lines itself', 'A="one\ntwo"\nB=1\n', { A: 'three' }, 'A=three\nB=1\n'],
    ['with spaces', 'A=\n', { A: 'a b' }, 'A="a b"\n'],
    ['with signs that shells read', 'A=\n', { A: '$HOME "x"' }, `A='$HOME "x"'\n`],
  ])('%s', (_, text, settings, expected) => {
    expect(editEnv(text, settings)).toBe(expected)
    expect(editEnv(expected, settings)).toBe(expected)
  })

  test('what readers would understand differently is refused', () => {
    expect(() => editEnv('', { A: `a'b"c` })).toThrow(/quotes of both kinds/)
    expect(() => editEnv('A="open\nB=1', { B: '2' })).toThrow(/no end/)
    expect(() => editEnv('A=one\\\ntwo\nB=1\n', { A: '2' })).toThrow(/ends in a backslash/)
    expect(() => editEnv('A=one\\\nB=1\n', { B: '2' })).toThrow(/ends in a backslash/)
    expect(editEnv('A=one\\\\\nB=1\n', { B: '2' })).toBe('A=one\\\\\nB=2\n')
  })
})

describe('settings in JSON', () => {
  test.each([
    [
      'in its place, with comments and order',
      '{\n  // ours\n  "b": 1.0,\n  "a": { "x": "old" }, \n}\n',
      { 'a.x': 'new' },
      '{\n  // ours\n  "b": 1.0,\n  "a": { "x": "new" }, \n}\n',
    ],
    ['that was not there', '{\n\t"a": "1"\n}\n', { b: '2' }, '{\n\t"a": "1",\n\t"b": "2"\n}\n'],
    ['deep in what was not there', '{}\n', { 'a.b': '1' }, '{\n  "a": {\n    "b": "1"\n  }\n}\n'],
    ['with quotes', '{"a":"1"}', { a: '"\\' }, '{"a":"\\"\\\\"}'],
  ])('%s', (_, text, settings, expected) => {
    expect(editJson(text, settings)).toBe(expected)
    expect(editJson(expected, settings)).toBe(expected)
  })

  test.each([
    ['no JSON', '{', { a: '1' }],
    ['a list', '[]', { a: '1' }],
    ['a list on the way', '{"a":[]}', { 'a.b': '1' }],
    ['a name that is there twice', '{"a":{"b":"1","\\u0062":"2"}}', { 'a.b': '3' }],
    ['a list in the place of a text', '{"a":["*"]}', { a: '1' }],
  ])('%s is refused', (_, text, settings) => {
    expect(() => editJson(text, settings)).toThrow()
  })
})

describe('what the installation does not allow', () => {
  test.each([
    ['a target', [{ target: 'other', set: { A: '1' } }], /does not name \(repairTargets\)/],
    ['a target of every object', [{ target: 'constructor', set: { A: '1' } }], /does not name/],
    ['a key', [{ target: 'gateway', set: { LD_PRELOAD: 'x' } }], /does not let releases set LD_PRELOAD/],
    ['a variable', [{ target: 'gateway', set: { OAUTH_BASE_URL: '${NONE}' } }], /needs NONE/],
  ])('%s', async (_, repairs, message) => {
    const disk = createLossyDisk()
    await of.before['old settings']?.lay(disk)
    const work = workOn({ ...of, component: { files: [], repairs } }, disk)
    await expect(repairAdapter.prepare(work)).rejects.toMatchObject({
      code: 'repair-refused',
      message: expect.stringMatching(message),
    })
  })

  test('is told before anything is done', async () => {
    const work = workOn(
      { ...of, component: { files: [], repairs: [{ target: 'gateway', set: { A: '1' } }] } },
      createLossyDisk(),
    )
    expect(await repairAdapter.objections(work)).toEqual([
      'kit.json does not let releases set A of gateway (repairTargets).',
    ])
  })
})

test('what is right already is not touched, and nothing is restarted', async () => {
  const disk = createLossyDisk()
  await of.before['old settings']?.lay(disk)
  const log: string[] = []
  const hooks = () => ({
    async run({ run: [name] }: { run: readonly [string, ...string[]] }) {
      log.push(name)
      return { exitCode: 0, output: '' }
    },
  })
  const noisy = { ...of, place: { path: '', reload: { run: ['reload'] as [string], timeoutMs: 1 } }, hooks }
  await repairAdapter.prepare(workOn(noisy, disk))
  await repairAdapter.apply(workOn(noisy, disk))
  expect(log).toEqual(['reload'])
  await disk.remove('.kit')
  disk.arrange({})
  await repairAdapter.prepare(workOn(noisy, disk))
  await repairAdapter.apply(workOn(noisy, disk))
  expect(log).toEqual(['reload'])
  expect(disk.log().filter((change) => /^(?!copy ).* conf\/| -> conf\//.test(change))).toEqual([])
})
