import { expect, test } from 'vitest'
import { ENVIRONMENT } from './env.ts'

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
    '| variable | initially | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
  await expect(text).toMatchFileSnapshot(new URL('docs/configuration.md', ROOT).pathname)
})
