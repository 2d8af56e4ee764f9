import { readFile } from 'node:fs/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InstallationError } from './installation-mistakes.ts'
import { readInstallation } from './read-installation.ts'

const KEY = 'A'.repeat(43).concat('=')
const LEAST = { publicKeys: [KEY], components: { web: { path: 'web' } } }
const WHOLE = {
  $schema: 'https://example.com/kit-installation.schema.json',
  source: { url: 'https://updates.example.com', appId: '0198f6a2-2d4e-7c7f-9b7e-1f2b3c4d5e6f', appKey: 'k-1' },
  publicKeys: [KEY, `RW${'B'.repeat(54)}`],
  releaseFile: 'state/installed.json',
  channelVariable: 'MY_CHANNEL',
  channel: 'beta',
  consent: { auto: ['app'], windows: [{ days: [6, 7], from: '23:00', to: '05:00' }] },
  variables: { SITE: 'home.example.com', PORT: '8080' },
  components: {
    web: { path: 'web' },
    gateway: {
      path: 'bin/gateway',
      service: {
        restart: ['systemctl', '--user', 'restart', 'gateway'],
        isRunning: { run: ['systemctl', '--user', 'is-active', '--quiet', 'gateway'], timeoutMs: 5_000 },
      },
      probe: { url: 'http://127.0.0.1:8080', address: { host: '127.0.0.1', port: 8080 }, hook: ['check-gateway'] },
    },
    edge: { path: 'edge/nginx.conf', validate: ['nginx', '-t'], reload: ['nginx', '-s', 'reload'] },
    database: {
      migration: {
        run: ['migrate'],
        backup: [
          { kind: 'file', path: 'data/notes.txt' },
          { kind: 'sqlite', path: 'data/gateway.sqlite' },
          { kind: 'commands', save: ['save'], restore: { run: ['restore'] } },
        ],
      },
    },
  },
  probe: { url: 'https://home.example.com/app' },
  repairTargets: { settings: { path: 'gateway.env', format: 'env', keys: ['OAUTH_BASE_URL'] } },
}

const validate = new Ajv2020({ strict: false }).compile(
  JSON.parse(
    await readFile(new URL('../../../../docs/protocol/kit-installation.schema.json', import.meta.url), 'utf8'),
  ) as object,
)

function mistakesOf(installation: unknown) {
  try {
    readInstallation(typeof installation === 'string' ? installation : JSON.stringify(installation))
    return []
  } catch (error) {
    if (error instanceof InstallationError) return error.mistakes
    throw error
  }
}

const withComponent = (place: unknown) => ({ ...LEAST, components: { web: place } })

test('the least, with what is taken where nothing is said', () => {
  expect(validate(LEAST)).toBe(true)
  expect(readInstallation(JSON.stringify(LEAST))).toEqual({
    source: undefined,
    publicKeys: [KEY],
    releaseFile: 'substratum-kit-release.json',
    channelVariable: 'SUBSTRATUM_UPDATE_CHANNEL',
    channel: 'stable',
    consent: { auto: [], windows: [] },
    variables: {},
    components: { web: { path: 'web' } },
    probe: {},
    repairTargets: {},
  })
})

test('everything, with hooks in both forms', () => {
  expect(validate(WHOLE) || validate.errors).toBe(true)
  const read = readInstallation(JSON.stringify(WHOLE))
  const run = (...words: [string, ...string[]]) => ({ run: words, timeoutMs: 60_000 })
  const long = (word: string) => ({ run: [word], timeoutMs: 600_000 })
  const { $schema: _, ...rest } = WHOLE
  expect(read).toEqual({
    ...rest,
    components: {
      web: { path: 'web' },
      gateway: {
        ...WHOLE.components.gateway,
        service: {
          restart: run('systemctl', '--user', 'restart', 'gateway'),
          isRunning: WHOLE.components.gateway.service.isRunning,
        },
        probe: { ...WHOLE.components.gateway.probe, hook: run('check-gateway') },
      },
      edge: { path: 'edge/nginx.conf', validate: run('nginx', '-t'), reload: run('nginx', '-s', 'reload') },
      database: {
        path: '',
        migration: {
          run: long('migrate'),
          backup: [
            ...WHOLE.components.database.migration.backup.slice(0, 2),
            { kind: 'commands', save: long('save'), restore: long('restore') },
          ],
        },
      },
    },
  })
})

test('a name that nobody has given finds nothing', () => {
  const { components, variables } = readInstallation(JSON.stringify(LEAST))
  expect(components['constructor']).toBeUndefined()
  expect(variables['__proto__']).toBeUndefined()
})

/** What a schema cannot say is refused by the reader alone. */
const REFUSED: readonly (readonly [comment: string, installation: unknown, pointers: string[], schema?: 'takes it'])[] =
  [
    ['no JSON', '{', ['']],
    ['another kind of JSON', [], ['', '/publicKeys', '/components']],
    ['no keys', { components: LEAST.components }, ['/publicKeys']],
    ['an empty list of keys', { ...LEAST, publicKeys: [] }, ['/publicKeys']],
    ['a key that is none', { ...LEAST, publicKeys: ['secret'] }, ['/publicKeys/0']],
    ['no components', { publicKeys: [KEY] }, ['/components']],
    ['a field that is mistyped', { ...LEAST, publickeys: [] }, ['/publickeys']],
    ['a field of a component that is mistyped', withComponent({ path: 'web', probes: {} }), ['/components/web/probes']],
    ['a component with a name that is none', { ...LEAST, components: { 'A b': {} } }, ['/components/A b']],
    ['a path out', withComponent({ path: '../web' }), ['/components/web/path']],
    ['a path out in the middle', withComponent({ path: 'a/../../web' }), ['/components/web/path']],
    ['an absolute path', withComponent({ path: '/srv/web' }), ['/components/web/path']],
    ['an empty path', withComponent({ path: '' }), ['/components/web/path']],
    ['the root itself', withComponent({ path: '.' }), ['/components/web/path']],
    ['a backslash', withComponent({ path: 'a\\b' }), ['/components/web/path']],
    ["the coordinator's own folder", withComponent({ path: '.kit/web' }), ['/components/web/path']],
    ['the same in capitals', withComponent({ path: '.KIT' }), ['/components/web/path']],
    ['the folder of logs', withComponent({ path: 'logs' }), ['/components/web/path']],
    ['this file itself', withComponent({ path: 'kit.json' }), ['/components/web/path'], 'takes it'],
    [
      'two components at one place',
      { ...LEAST, components: { web: { path: 'web' }, docs: { path: 'WEB' } } },
      ['/components/docs/path'],
      'takes it',
    ],
    [
      'one component in another',
      { ...LEAST, components: { web: { path: 'web' }, docs: { path: 'web/docs' } } },
      ['/components/docs/path'],
      'takes it',
    ],
    [
      'a component where the installed release is',
      withComponent({ path: 'substratum-kit-release.json' }),
      ['/components/web/path'],
      'takes it',
    ],
    [
      'a repair target in a component',
      { ...LEAST, repairTargets: { settings: { path: 'web/.env', format: 'env', keys: ['A'] } } },
      ['/repairTargets/settings/path'],
      'takes it',
    ],
    [
      'a backup of what a component is',
      {
        ...LEAST,
        components: {
          ...LEAST.components,
          data: { migration: { run: ['a'], backup: [{ kind: 'sqlite', path: 'web/a.sqlite' }] } },
        },
      },
      ['/components/data/migration/backup/0/path'],
      'takes it',
    ],
    ['a hook as a line', withComponent({ reload: 'nginx -s reload' }), ['/components/web/reload']],
    ['a hook of nothing', withComponent({ reload: [] }), ['/components/web/reload']],
    ['a hook with an empty program', withComponent({ reload: [''] }), ['/components/web/reload']],
    [
      'a hook that takes for ever',
      withComponent({ reload: { run: ['a'], timeoutMs: 1e9 } }),
      ['/components/web/reload/timeoutMs'],
    ],
    ['a service that only stops', withComponent({ service: { stop: ['a'] } }), ['/components/web/service']],
    [
      'a backup of an unknown kind',
      withComponent({ migration: { run: ['a'], backup: [{ kind: 'tape', path: 'a' }] } }),
      ['/components/web/migration/backup/0/kind'],
    ],
    ['a probe at no address', withComponent({ probe: { url: '127.0.0.1:80' } }), ['/components/web/probe/url']],
    [
      'a probe with a password',
      withComponent({ probe: { url: 'http://a:b@localhost' } }),
      ['/components/web/probe/url'],
    ],
    [
      'a port that is none',
      withComponent({ probe: { address: { host: 'a', port: 70_000 } } }),
      ['/components/web/probe/address/port'],
    ],
    [
      'a source in the clear',
      { ...LEAST, source: { ...WHOLE.source, url: 'http://updates.example.com' } },
      ['/source/url'],
      'takes it',
    ],
    ['an app by its slug', { ...LEAST, source: { ...WHOLE.source, appId: 'home' } }, ['/source/appId']],
    ['a variable of two lines', { ...LEAST, variables: { A: 'a\nb' } }, ['/variables/A']],
    ['a variable that is no text', { ...LEAST, variables: { A: 8080 } }, ['/variables/A']],
    [
      "a variable of the coordinator's own",
      { ...LEAST, variables: { HOTPATCH_KIT_ROOT: '/' } },
      ['/variables/HOTPATCH_KIT_ROOT'],
    ],
    [
      'a repair target without keys',
      { ...LEAST, repairTargets: { a: { path: 'a', format: 'env', keys: [] } } },
      ['/repairTargets/a/keys'],
    ],
    [
      'a format that is not known',
      { ...LEAST, repairTargets: { a: { path: 'a', format: 'ini', keys: ['A'] } } },
      ['/repairTargets/a/format'],
    ],
    ['more than shells unasked', { ...LEAST, consent: { auto: ['binary'] } }, ['/consent/auto/0']],
    [
      'a day that is none',
      { ...LEAST, consent: { windows: [{ days: [0], from: '01:00', to: '02:00' }] } },
      ['/consent/windows/0/days/0'],
    ],
    [
      'a time that is none',
      { ...LEAST, consent: { windows: [{ days: [1], from: '25:00', to: '02:00' }] } },
      ['/consent/windows/0/from'],
    ],
  ]

describe('what is refused', () => {
  test.each(REFUSED)('%s', (_, installation, pointers, schema) => {
    expect(mistakesOf(installation).map(({ pointer }) => pointer)).toEqual(pointers)
    if (typeof installation !== 'string') expect(validate(installation)).toBe(schema === 'takes it')
  })

  test('all mistakes at once, with what was expected and found, and a hint', () => {
    const broken = { ...LEAST, chanel: 'beta', channel: 'Beta', components: { web: { path: '/web' } } }
    expect(mistakesOf(broken).map(({ message }) => message)).toEqual([
      '/chanel: expected "channel", perhaps, found the unknown field "chanel"',
      '/channel: expected a channel, such as stable, found "Beta"',
      '/components/web/path: expected a path below the root, with "/" between names, found an absolute path: "/web"',
    ])
    expect(() => readInstallation(JSON.stringify(broken))).toThrow(/kit\.json has to be mended:\n {2}\/chanel/)
  })

  test('no secret is shown', () => {
    const secret = 'hunter2\nhunter2'
    const broken = { ...LEAST, variables: { PASSWORD: secret }, source: { ...WHOLE.source, appKey: 'hunter2 hunter2' } }
    expect(mistakesOf(broken)).toHaveLength(2)
    expect(JSON.stringify(mistakesOf(broken))).not.toContain('hunter2')
  })

  test('more mistakes than anybody reads are counted', () => {
    const many = Object.fromEntries(Array.from({ length: 49 }, (_, index) => [`c${index}`, { path: '/a' }]))
    expect(() => readInstallation(JSON.stringify({ ...LEAST, components: many }))).toThrow(/and 19 more$/)
  })
})

test('whatever it says: an installation, or mistakes', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json({ maxDepth: 6 }),
        fc.jsonValue().map((part) => JSON.stringify({ ...WHOLE, components: part })),
      ),
      (text) => {
        mistakesOf(text)
      },
    ),
    { numRuns: 300 },
  )
})

test('the example of the documentation is one', async () => {
  const page = await readFile(new URL('../../../../docs/protocol/22-kit.md', import.meta.url), 'utf8')
  const section = page.slice(page.indexOf('\n## 5. '), page.indexOf('\n## 6. '))
  const [, example = ''] = /```json\n([^]*?)```/.exec(section) ?? []
  expect(validate(JSON.parse(example)) || validate.errors).toBe(true)
  expect(Object.keys(readInstallation(example).components)).toEqual(['web', 'gateway', 'edge', 'database'])
})
