import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'

const TOOL = '/usr/lib/node_modules/hotpatch/bin/hotpatch.js'

async function installed() {
  const tool = await createTool()
  const root = await tool.write({ 'kit.json': '{}' })
  const schedule = (line: string) => tool.run(`kit schedule --tool ${TOOL} ${line}`)
  return { tool, root, schedule }
}

describe('a schedule', () => {
  test('is written for systemd, again over itself, and removed', async () => {
    const { tool, schedule, root } = await installed()
    const written = await schedule('--scheduler systemd --every 24h --window 02:00-05:00 --write')
    expect(written).toMatchObject({ exitCode: 0, stderr: '' })
    expect(written.stdout).toMatch(
      /systemctl --user daemon-reload && systemctl --user enable --now hotpatch-kit-.*\.timer/,
    )
    const directory = join(tool.home, '.config/systemd/user')
    const names = await readdir(directory)
    expect(names).toEqual([expect.stringMatching(/\.service$/), expect.stringMatching(/\.timer$/)])
    const [service, timer] = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')))
    expect(service).toContain(`ExecStart="${process.execPath}" "${TOOL}" "kit" "check" "--root" "${root}" "--json"`)
    expect(timer).toContain('OnCalendar=*-*-* 02:00:00\nRandomizedDelaySec=10800\n')
    expect((await schedule('--scheduler systemd --write')).exitCode).toBe(0)
    expect((await schedule('--scheduler systemd --remove')).stdout).toMatch(
      /Removed .*\.timer\nIf it is running: systemctl/,
    )
    expect(await readdir(directory)).toEqual([])
    expect((await schedule('--scheduler systemd --remove')).stdout).toMatch(/There is none in/)
  })

  test('is printed for launchd, and nothing is written', async () => {
    const { tool, schedule } = await installed()
    const { stdout, exitCode } = await schedule('--scheduler launchd --apply-shell --every 6h --print --json')
    expect(exitCode).toBe(0)
    const { directory, files } = JSON.parse(stdout) as { directory: string; files: { name: string; text: string }[] }
    expect(directory).toBe(join(tool.home, 'Library/LaunchAgents'))
    expect(files.map(({ name }) => name)).toEqual([expect.stringMatching(/^dev\.hotpatch\.kit\..*\.plist$/)])
    expect(files[0]?.text).toContain('<string>--unasked</string>')
    expect(await readdir(tool.home)).toEqual([])
  })

  test("leaves somebody else's file alone", async () => {
    const { root, schedule } = await installed()
    const { stdout } = await schedule(`--scheduler systemd --directory ${root} --write --json`)
    const [path = ''] = (JSON.parse(stdout) as { written: string[] }).written
    await writeFile(path, '[Service]\n')
    for (const way of ['--write', '--remove']) {
      const refused = await schedule(`--scheduler systemd --directory ${root} ${way}`)
      expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringMatching(/was not written by this command/)])
    }
    expect(await readFile(path, 'utf8')).toBe('[Service]\n')
  })

  test.each([
    ['nothing to do', '', 2, /Expected one of --write, --print and --remove/],
    ['two things to do', '--write --print', 2, /Expected one of/],
    ['a time that is none', '--print --every 5m', 2, /Expected one of 1h/],
    ['hours of the day that are none', '--print --window 2-5', 2, /Expected two times of the day/],
    ['hours of the day several times a day', '--print --every 6h --window 02:00-05:00', 2, /once a day or once a week/],
    ['a folder without a kit', '--print --root nowhere', 1, /Expected a kit.json in .*nowhere/],
  ] as const)('refuses %s', async (_what, line, code, message) => {
    const { schedule } = await installed()
    const { exitCode, stderr } = await schedule(`--scheduler systemd${line && ` ${line}`}`)
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(message)])
  })

  test('refuses to run what a release has brought', async () => {
    const { tool, root } = await installed()
    const brought = join(root, '.kit/coordinator/versions/x/coordinator.mjs')
    const { exitCode, stderr } = await tool.run(`kit schedule --scheduler systemd --print --tool ${brought}`)
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/which a release has brought/)])
  })
})
