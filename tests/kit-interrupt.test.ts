import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeInstalledKit } from '@hotpatch/protocol'
import {
  eventually,
  kitContentOf,
  newSigningKey,
  runCliProcess,
  sha256Of,
  signKit,
  startCliProcess,
  temporaryDirectory,
} from '@hotpatch/testkit'
import { expect, test } from 'vitest'

const APP = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
const key = newSigningKey()

/** A release whose probe goes on asking for as long as the new one is there: there is time to think better of it. */
async function bundle(): Promise<string> {
  const folder = await temporaryDirectory()
  const probe = { type: 'hook' as const, attempts: 60, intervalMs: 1_000, timeoutMs: 5_000 }
  const content = kitContentOf({ tool: { bytes: 'tool 2' } }, { releaseId: '2', probe })
  const { text, statementSignature: value } = signKit(key, content, { appId: APP, sequence: 1 })
  await mkdir(join(folder, 'artifacts'))
  await writeFile(join(folder, 'latest.json'), text)
  await writeFile(join(folder, 'latest.json.sig'), JSON.stringify({ signatures: [{ scheme: 'ed25519', value }] }))
  await writeFile(join(folder, 'artifacts', sha256Of(Buffer.from('tool 2'))), 'tool 2')
  return folder
}

test('Ctrl-C in the middle of an apply takes it back, says so, and leaves nothing', async () => {
  const root = await temporaryDirectory()
  const works = `const { readFileSync, writeFileSync } = require('fs')
    if (readFileSync('bin/tool', 'utf8') === 'tool 1') process.exit(0)
    writeFileSync('asked', '')
    process.exit(1)`
  const document = {
    publicKeys: [key.publicKey],
    components: { tool: { path: 'bin/tool' } },
    probe: { hook: [process.execPath, '-e', works] },
  }
  await mkdir(join(root, 'bin'))
  await writeFile(join(root, 'bin', 'tool'), 'tool 1')
  await writeFile(join(root, 'kit.json'), JSON.stringify(document))
  const components = { tool: { version: '1' } }
  const installed = writeInstalledKit({ releaseId: '1', channel: 'stable', components })
  await writeFile(join(root, 'substratum-kit-release.json'), installed)
  const tool = { cwd: root, env: { HOME: root } }
  const applying = startCliProcess(['kit', 'apply', '--bundle', await bundle(), '--yes', '--json'], tool)
  await eventually(async () => expect(await readdir(root)).toContain('asked'))
  expect(await readFile(join(root, 'bin', 'tool'), 'utf8')).toBe('tool 2')
  applying.kill('SIGINT')
  const ended = await applying.ended
  expect(ended, ended.stderr).toMatchObject({ code: 5 })
  expect(JSON.parse(ended.stdout)).toMatchObject({ kind: 'reverted', releaseId: '2', why: { code: 'stopped' } })
  expect(await readFile(join(root, 'bin', 'tool'), 'utf8')).toBe('tool 1')
  expect(await readFile(join(root, 'substratum-kit-release.json'), 'utf8')).toBe(installed)
  expect(await readdir(join(root, '.kit'))).not.toContain('current')
  expect(await readdir(join(root, '.kit', 'transactions')).catch(() => [])).toEqual([])
  expect(await runCliProcess(['kit', 'recover'], tool)).toMatchObject({ code: 0, stdout: 'No apply was cut short.\n' })
})
