import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Announcement, Page, Rollout } from '@hotpatch/api'
import { eventually } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector, createTool, type Tool } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const soon = (check: () => void) => eventually(check, { everyMs: 5 })

async function publishAndPause(tool: Tool) {
  await tool.write({ 'made/index.android.bundle': 'one' })
  await tool.json('release --platform android --version 1.0.0 --bundle-dir made --no-sign --rollout 10 --yes')
  const { items } = await tool.json<Page<Rollout>>('rollouts list')
  await tool.json(`rollouts pause ${items[0]?.id} --yes`)
}

/** `events --follow`, until `stop`. */
function follow(tool: Tool, env: Record<string, string> = {}, ...more: string[]) {
  const abort = new AbortController()
  const [stdout, stderr] = [createCollector(), createCollector()]
  const given = { stdout, stderr, signal: abort.signal, env: { ...tool.env, ...env } }
  const ended = tool.run(['events', '--follow', ...more], given)
  const stop = async () => {
    abort.abort()
    return (await ended).exitCode
  }
  onTestFinished(() => abort.abort())
  return { stdout, stderr, ended, stop }
}

describe('events', () => {
  test('are listed, the newest last', async () => {
    const tool = await server.createPublisher()
    await publishAndPause(tool)
    const { stdout } = await tool.run('events')
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/^\S+Z {2}/, '')),
    ).toEqual([
      'release.published  1.0.0 android production by owner',
      'rollout.started    1.0.0 android production 10 % by owner',
      'rollout.paused     1.0.0 android production 10 % by owner',
    ])
    const { items } = await tool.json<Page<Announcement>>('events --limit 1')
    expect(items.map(({ type }) => type)).toEqual(['rollout.paused'])
  })

  test('are followed, one line of JSON each when that is asked for, until Ctrl-C', async () => {
    const tool = await server.createPublisher()
    const [people, machines] = [follow(tool), follow(tool, {}, '--json')]
    for (const { stderr } of [people, machines]) await soon(() => expect(stderr.text()).toMatch(/Watching/))
    await publishAndPause(tool)
    for (const { stdout } of [people, machines]) await soon(() => expect(stdout.text().split('\n')).toHaveLength(4))
    expect(people.stdout.text()).toMatch(/rollout\.paused +1\.0\.0 android production 10 % by owner\n$/)
    const lines = machines.stdout
      .text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Announcement)
    expect(lines.map(({ type }) => type)).toEqual(['release.published', 'rollout.started', 'rollout.paused'])
    expect(await Promise.all([people.stop(), machines.stop()])).toEqual([0, 0])
  })

  test('go on where they were when the stream breaks off', async () => {
    const announce = (number: number) => ({
      id: `id-${number}`,
      type: 'rollback',
      appId: null,
      at: `2027-01-01T00:00:0${number}.000Z`,
      data: { rollout: { version: `1.0.${number}` }, by: 'ci' },
    })
    const asked: (string | undefined)[] = []
    const broken = createServer((request, response) => {
      const lastId = request.headers['last-event-id']
      asked.push(lastId as string | undefined)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`: hello\n\nid: x\nevent: rollback\ndata: ${JSON.stringify(announce(asked.length))}\n\n`)
      if (asked.length === 1) setImmediate(() => response.destroy())
      if (asked.length === 2) response.write('event: reset\ndata: {}\n\n')
    })
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      broken.closeAllConnections()
      broken.close()
    })
    const HOTPATCH_URL = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
    const followed = follow(await createTool(), { HOTPATCH_URL, HOTPATCH_TOKEN: 'hpt_any' })
    await soon(() => expect(followed.stderr.text()).toMatch(/Connecting again.*More was missed/s))
    expect(asked).toEqual([undefined, 'id-1'])
    expect(followed.stdout.text().match(/1\.0\.\d/g)).toEqual(['1.0.1', '1.0.2'])
    expect(await followed.stop()).toBe(0)
  })

  test('are not waited for where there is no server, or with a token that does not work', async () => {
    const tool = await createTool({ HOTPATCH_URL: 'http://127.0.0.1:9', HOTPATCH_TOKEN: 'hpt_any' })
    expect((await follow(tool).ended).exitCode).toBe(1)
    const wrong = await createTool({ HOTPATCH_URL: server.url(), HOTPATCH_TOKEN: 'hpt_wrong' })
    expect((await follow(wrong).ended).exitCode).toBe(1)
  })
})
