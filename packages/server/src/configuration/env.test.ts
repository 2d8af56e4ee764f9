import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ENVIRONMENT, readEnvironment, SECRET_VARIABLES } from './env.ts'

// After a change of env.ts, `npx vitest run packages/server/src/configuration/env.test.ts -u` writes both files anew.
const ROOT = new URL('../../../../', import.meta.url)
const variables = Object.entries(ENVIRONMENT).map(([name, { meaning, initially }]) => ({ name, meaning, initially }))

test('.env.example has every variable', async () => {
  const entries = variables.map(({ name, meaning, initially }) => `# ${meaning}\n#${name}=${initially}\n`)
  const text = `# Every variable that the server reads, with its initial value.\n\n${entries.join('\n')}`
  await expect(text).toMatchFileSnapshot(new URL('.env.example', ROOT).pathname)
})

test('docs/configuration.md has every variable', async () => {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = variables.map(
    ({ name, meaning, initially }) => `| \`${name}\` | ${initially && `\`${initially}\``} | ${cell(meaning)} |`,
  )
  const text = [
    '# Configuration',
    '',
    'The server is configured by environment variables alone. An empty one counts as absent. When something is not as it',
    'must be, the server names every mistake at once and does not start; it never prints a value, which may be a secret.',
    '',
    'Secrets may be in files instead, one in each: `JWT_SECRET_FILE=/run/secrets/jwt` names one. So may',
    `${SECRET_VARIABLES.slice(0, -1)
      .map((name) => `\`${name}_FILE\``)
      .join(', ')} and \`${SECRET_VARIABLES.at(-1)}_FILE\`.`,
    '',
    '| variable | initially | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
  await expect(text).toMatchFileSnapshot(new URL('docs/configuration.md', ROOT).pathname)
})

test('a secret may be in a file, and what is wrong with that is said without it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotpatch-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'jwt')
  const secret = 'a secret of more than thirty-two characters'
  writeFileSync(path, `${secret}\n`)
  expect(readEnvironment({ JWT_SECRET_FILE: path }).JWT_SECRET).toBe(secret)
  const refusalOf = (env: Record<string, string>) => {
    try {
      readEnvironment(env)
    } catch (error) {
      return (error as Error).message
    }
    return undefined
  }
  expect(refusalOf({ JWT_SECRET_FILE: path, JWT_SECRET: secret })).toBe(
    'JWT_SECRET and JWT_SECRET_FILE are both set. Set one of them.',
  )
  expect(refusalOf({ DATABASE_URL_FILE: join(folder, 'absent') })).toContain('DATABASE_URL_FILE: expected a file')
  writeFileSync(path, ' \n')
  expect(refusalOf({ JWT_SECRET_FILE: path })).toContain('is empty')
})
