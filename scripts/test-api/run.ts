import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { makeTemporaryDirectory } from '../../packages/testkit/src/make-temporary-directory.ts'
import { startServerProcess } from '../../packages/testkit/src/server-process.ts'
import { seed, type Seeded } from './seed.ts'

/**
 * `npm run test:api`: the whole management API against its own description, by schemathesis: as the owner, as somebody who
 * may only read, and as nobody. Of a server of its own, which asks nobody outside of this machine. `--phases fuzzing,stateful
 * --examples 4` is the short form.
 */
const { values } = parseArgs({
  options: {
    schemathesis: { type: 'string', default: 'schemathesis' },
    examples: { type: 'string', default: '12' },
    phases: { type: 'string', default: 'examples,coverage,fuzzing,stateful' },
    seed: { type: 'string', default: '1' },
    as: { type: 'string', multiple: true },
    /** Where every request and answer is written, line by line, while it runs. */
    report: { type: 'string' },
  },
})

const HOW_TO_GET_IT = `Expected schemathesis, which is a program in Python, found none at "${values.schemathesis}". Get it with
  python3 -m venv ~/.schemathesis && ~/.schemathesis/bin/pip install schemathesis
and then
  npm run test:api -- --schemathesis ~/.schemathesis/bin/schemathesis`

/** By its name where it is on the PATH, or by a path from here. */
const PROGRAM = /[\\/]/.test(values.schemathesis) ? resolve(values.schemathesis) : values.schemathesis

const LOOPBACK_ONLY = pathToFileURL(fileURLToPath(new URL('./loopback-only.mjs', import.meta.url))).href

/** These end who asks, or never end: what they do has tests of its own. */
const LEFT_OUT = ['/manage/v1/tokens/own/revoke', '/manage/v1/sign-out-everyone', '/manage/v1/stream']

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'missing_required_header',
  'ignored_auth',
  'use_after_free',
]

async function isThere(): Promise<boolean> {
  const child = spawn(PROGRAM, ['--version'], { stdio: 'ignore' })
  return new Promise((resolve) => {
    child.once('error', () => resolve(false))
    child.once('exit', (code) => resolve(code === 0))
  })
}

function configurationOf({ parameters }: Seeded): string {
  const lines = Object.entries(parameters).map(
    ([name, known]) => `"path.${name}" = ${JSON.stringify([...known, known[0]])}`,
  )
  return `[parameters]\n${lines.join('\n')}\n`
}

async function runAs(who: string, token: string | undefined, url: string, configuration: string): Promise<boolean> {
  console.log(`As ${who}:`)
  const given = [
    '--config-file',
    configuration,
    'run',
    `${url}/manage/v1/openapi.json`,
    '--url',
    url,
    '--checks',
    CHECKS.join(','),
    '--max-examples',
    values.examples,
    '--seed',
    values.seed,
    '--phases',
    values.phases,
    '--continue-on-failure',
    '--warnings',
    'off',
    '--request-timeout',
    '30',
    '--suppress-health-check',
    'all',
    ...(values.report === undefined ? [] : ['--report-ndjson-path', resolve(`${values.report}-${who}.ndjson`)]),
    ...LEFT_OUT.flatMap((path) => ['--exclude-path', path]),
    ...(token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]),
  ]
  // It leaves a folder of its own where it runs.
  const child = spawn(PROGRAM, given, { stdio: 'inherit', cwd: dirname(configuration) })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}

if (await isThere()) {
  const directory = await makeTemporaryDirectory()
  const server = await startServerProcess({
    directory,
    env: {
      NODE_OPTIONS: `--import ${LOOPBACK_ONLY}`,
      HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8',
      HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0',
      HOTPATCH_LOG_FORMAT: 'json',
    },
  })
  try {
    const seeded = await seed(server)
    const configuration = join(directory, 'schemathesis.toml')
    await writeFile(configuration, configurationOf(seeded))
    const everybody = [
      ['viewer', seeded.viewerToken],
      ['nobody', undefined],
      ['owner', server.ownerToken],
    ] as const
    for (const [who, token] of everybody) {
      if (values.as && !values.as.includes(who)) continue
      if (!(await runAs(who, token, server.url, configuration))) process.exitCode = 1
    }
    const errors = server
      .output()
      .split('\n')
      .filter((line) => line.includes('"level":50'))
    for (const line of errors.slice(0, 20)) console.log(line)
    if (errors.length > 0) process.exitCode = 1
  } finally {
    // Nothing of it is kept; and what it was asked to ask of others may still be on its way.
    await server.stop('SIGKILL')
    await rm(directory, { recursive: true, force: true })
  }
} else {
  console.error(HOW_TO_GET_IT)
  process.exitCode = 2
}
