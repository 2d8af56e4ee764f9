import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { writeInstalledKit, readKitContent, writeKitContent } from '@hotpatch/protocol'
import {
  kitContentOf,
  newSigningKey,
  runCliProcess,
  sha256Of,
  signKit,
  temporaryDirectory,
  zipOf,
} from '@hotpatch/testkit'
import { expect, test } from 'vitest'

const APP = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
const LAUNCHER = fileURLToPath(new URL('../packages/kit/bin/hotpatch-kit-launcher.js', import.meta.url))
/** The one that people have installed: this checkout's tool. */
const TOOL = fileURLToPath(new URL('../packages/cli/bin/hotpatch.js', import.meta.url))
const key = newSigningKey()

/** A coordinator of a release: the same tool, which says which one it is; or one that does not start. */
const coordinatorOf = (version: string, isBroken = false) =>
  isBroken
    ? `throw new Error('coordinator ${version} does not start')`
    : `process.stderr.write('coordinator ${version}\\n')\nawait import(${JSON.stringify(pathToFileURL(TOOL).href)})`

async function bundleOf(releaseId: string, sequence: number, isBroken = false): Promise<string> {
  const folder = await temporaryDirectory()
  const zip = await zipOf({ 'coordinator.mjs': coordinatorOf(releaseId, isBroken) })
  const raw = kitContentOf({ tool: { bytes: `tool ${releaseId}` }, coordinator: { bytes: zip } }, { releaseId })
  const components = raw.components.map((component) =>
    component.id === 'coordinator'
      ? {
          ...component,
          kind: 'coordinator' as const,
          files: component.files.map((file) => ({ ...file, format: 'zip' as const })),
        }
      : component,
  )
  const content = readKitContent(writeKitContent({ ...raw, components }))
  const { text, statementSignature: value } = signKit(key, content, { appId: APP, sequence })
  await mkdir(join(folder, 'artifacts'))
  await writeFile(join(folder, 'latest.json'), text)
  await writeFile(join(folder, 'latest.json.sig'), JSON.stringify({ signatures: [{ scheme: 'ed25519', value }] }))
  for (const bytes of [Buffer.from(`tool ${releaseId}`), Buffer.from(zip)]) {
    await writeFile(join(folder, 'artifacts', sha256Of(bytes)), bytes)
  }
  return folder
}

async function install() {
  const root = await temporaryDirectory()
  await mkdir(join(root, 'bin'))
  await writeFile(join(root, 'bin', 'tool'), 'tool 1')
  const document = { publicKeys: [key.publicKey], components: { tool: { path: 'bin/tool' }, coordinator: {} } }
  await writeFile(join(root, 'kit.json'), JSON.stringify(document))
  const components = { tool: { version: '1' } }
  const installed = writeInstalledKit({ releaseId: '1', channel: 'stable', components })
  await writeFile(join(root, 'substratum-kit-release.json'), installed)
  const launched = (...args: string[]) =>
    runCliProcess(['--root', root, '--base', TOOL, 'kit', ...args, '--root', root], {
      cwd: root,
      env: { HOME: root },
      program: LAUNCHER,
    })
  const json = async (file: string) => JSON.parse(await readFile(join(root, file), 'utf8')) as Record<string, unknown>
  const log = async () => (await launched('log', '--limit', '200')).stdout
  return { root, launched, json, log }
}

test('a coordinator replaces itself, confirms itself, and is gone back from when the next one does not start', async () => {
  const { root, launched, json, log } = await install()
  const [second, third] = [await bundleOf('2', 1), await bundleOf('3', 2, true)]

  const applied = await launched('apply', '--bundle', second, '--yes')
  expect(applied, applied.stderr).toMatchObject({ code: 0, stdout: '2 is installed.\n' })
  expect(applied.stderr).not.toContain('coordinator 2\n')
  expect(await json('.kit/coordinator/current')).toMatchObject({
    current: { version: '2' },
    previous: null,
    probation: { starts: 0 },
  })

  // To look at something counts neither for it nor against it.
  for (let time = 0; time < 4; time += 1) {
    expect(await launched('status')).toMatchObject({ code: 0, stderr: expect.stringContaining('coordinator 2\n') })
  }
  expect(await json('.kit/coordinator/current')).toMatchObject({ current: { version: '2' }, probation: { starts: 0 } })
  expect(await launched('check', '--bundle', second)).toMatchObject({ code: 0 })
  expect(await json('.kit/coordinator/current')).toMatchObject({ current: { version: '2' }, probation: null })

  // The new one applies the next release, whose coordinator does not start.
  const next = await launched('apply', '--bundle', third, '--yes')
  expect(next, next.stderr).toMatchObject({ code: 0, stdout: '3 is installed.\n' })
  expect(await json('.kit/coordinator/current')).toMatchObject({
    current: { version: '3' },
    previous: { version: '2' },
  })
  const back = await launched('check', '--bundle', third)
  expect(back).toMatchObject({ code: 0, stdout: expect.stringContaining('3 is installed') })
  expect(back.stderr).toContain('Version 3 of the coordinator ended with an error at once: back to version 2.')
  expect(await json('.kit/coordinator/current')).toMatchObject({ current: { version: '2' }, probation: null })
  expect(await json('substratum-kit-release.json')).toMatchObject({
    release_id: '3',
    components: { coordinator: { version: '2' }, tool: { version: '3' } },
  })
  expect(await log()).toContain('Version 3 of the coordinator never confirmed itself: back to version 2.')
  // It is not tried again, and keeps nobody from what comes after it.
  expect(await launched('apply', '--bundle', third, '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Nothing to do'),
  })
  const fourth = await launched('apply', '--bundle', await bundleOf('4', 3), '--yes')
  expect(fourth, fourth.stderr).toMatchObject({ code: 0, stdout: '4 is installed.\n' })
  expect(await readFile(join(root, 'bin', 'tool'), 'utf8')).toBe('tool 4')
})
