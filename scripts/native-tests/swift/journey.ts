import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { App, Explanation, Patch } from '../../../packages/api/src/index.ts'
import { startServerProcess } from '../../../packages/testkit/src/server-process.ts'
import { createPublisher } from '../../real-clients/publisher.ts'
import { startOddServer } from './odd-server.ts'

const APP = 'phones'
const DEVICE = 'journey'
const ENVIRONMENT = { HOTPATCH_LOG_LEVEL: 'error', HOTPATCH_AUTOMATION_SECONDS: '1' }

/**
 * A server process, to which the command-line tool has published: 1.0.0 on `first`, encrypted; 1.1.0 on `second`, encrypted
 * and as a patch; on `third` 1.2.0, which JourneyTests has crash; on `files` 1.3.0, which is at the edge.
 */
export interface Journey {
  /** What the tests of Swift go by. */
  env: Record<string, string>
  /** What the server knows when they are over. */
  expectTold(): Promise<void>
  end(): Promise<void>
}

export async function startJourney(): Promise<Journey> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpatch-swift-journey-'))
  const oddServer = await startOddServer()
  const server = await startServerProcess({ directory: join(folder, 'data'), env: ENVIRONMENT })
  const publisher = await createPublisher(server, folder)
  const { api, hotpatch } = publisher

  /** Of commands that change nothing which has to be confirmed. */
  const read = async <Answer>(...args: string[]) => JSON.parse(await publisher.say(...args, '--json')) as Answer

  async function end() {
    await server.stop()
    await oddServer.end()
    await rm(folder, { recursive: true, force: true })
  }

  try {
    const app = await hotpatch<App>('apps', 'create', APP, '--device-ids', 'as-given')
    await hotpatch('keys', 'generate')
    const { publicKey } = await read<{ publicKey: string }>('keys', 'show')
    const decryptionKey = join(folder, 'decryption.pem')
    const made = await hotpatch<{ publicKey: string }>('encryption-keys', 'generate', '--key', decryptionKey)
    const privateKey = await publisher.say('encryption-keys', 'private', '--key', decryptionKey)

    const release = async (version: string, channel: string, encryptFor?: readonly string[]) => {
      await publisher.write({
        ...filesOf(version),
        'hotpatch.json': JSON.stringify({ app: APP, platforms: ['ios'], ...(encryptFor && { encryptFor }) }),
      })
      await hotpatch('release', '--version', version, '--channel', channel, '--bundle-dir', `built-${version}`)
    }
    for (const channel of ['first', 'second', 'third', 'files'])
      await hotpatch('channels', 'create', channel, '--app', APP)
    await release('1.0.0', 'first', [made.publicKey])
    // Of what is patched is said where both are offered.
    await hotpatch('promote', '--version', '1.0.0', '--to', 'second', '--platform', 'ios')
    await release('1.1.0', 'second', [made.publicKey])
    const which = ['--from', '1.0.0', '--to', '1.1.0', '--platform', 'ios', '--decryption-key', decryptionKey]
    const patch = await read<Patch>('patch', ...which)
    assert.equal(patch.state, 'made')
    await release('1.2.0', 'third')
    await release('1.3.0', 'files')
    await hotpatch('edge', 'enable', '--app', APP)
    await waitForEdge(`${server.url}/edge/v1/${app.id}/ios/files/latest.json`)

    return {
      env: {
        HOTPATCH_JOURNEY_URL: server.url,
        HOTPATCH_JOURNEY_APP: app.id,
        HOTPATCH_JOURNEY_APP_KEY: app.appKey ?? '',
        HOTPATCH_JOURNEY_DEVICE: DEVICE,
        HOTPATCH_JOURNEY_PUBLIC_KEY: publicKey,
        HOTPATCH_JOURNEY_DECRYPTION_KEY: privateKey.trim(),
        HOTPATCH_ODD_SERVER: oddServer.url,
      },
      async expectTold() {
        const seen = await api.getDevice(APP, DEVICE)
        const told = seen.events.map(({ kind, code }) => (code ? `${kind}: ${code}` : kind)).toReversed()
        const way = ['offered', 'download-started', 'downloaded', 'applied']
        assert.deepEqual(told, [...way, 'confirmed', ...way, 'confirmed', ...way, 'rolled-back: not-confirmed'])
        const why = await read<Explanation>('why', DEVICE, '--app', APP)
        assert.equal(why.decision.kind, 'up-to-date')
        assert.match(JSON.stringify(why.rollouts), /failed-on-this-device/)
      },
      end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** What is published is there with the next round of the server's automation. */
async function waitForEdge(pointer: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if ((await fetch(pointer)).ok) return
    await setTimeout(100)
  }
  throw new Error(`expected a pointer at ${pointer} within a minute, found none`)
}

/** Long enough that a patch is smaller. */
function filesOf(version: string): Record<string, string> {
  const code = Array.from({ length: 3_000 }, (_, line) => `__d(function(){return ${(line * 7919) % 10_007}},${line});`)
  code.splice(1_500, 0, `show("${version}");`)
  const folder = `built-${version}`
  return {
    [`${folder}/main.jsbundle`]: code.join('\n'),
    [`${folder}/assets/größe.txt`]: version,
    [`${folder}/assets/same.txt`]: 'the same',
  }
}
