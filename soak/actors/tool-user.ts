import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { PublishedArchive } from '../../packages/api/src/index.ts'
import { startCliProcess } from '../../packages/testkit/src/cli-process.ts'
import type { World } from '../world.ts'

const PLATFORM = 'android'
const EVERY_MS = { from: 20_000, to: 40_000 }
const TRIES = 40

/** Publishes by the command-line tool, which is sometimes killed on its way, and then runs it again. */
export async function runToolUser(world: World): Promise<void> {
  const { toolApp, ledger, findings, asking, site, end } = world
  const random = world.random.of('tool user')
  const home = join(site.folder, 'tool')
  await mkdir(home, { recursive: true })

  async function release(version: string): Promise<void> {
    const folder = join(home, version)
    await mkdir(folder)
    await writeFile(join(folder, 'index.android.bundle'), `console.log('This is ${version} ${random.next()}')`)
    const facts = { channel: 'production', sha256: '', sizeBytes: 0, sequence: 0, isBad: false }
    const attempt = ledger.attempt({ app: toolApp.slug, platform: PLATFORM, version, ...facts })
    for (let tries = 0; tries < TRIES && !end.aborted; tries++) {
      const published = await run(version, folder, tries === 0 && random.chance(0.3))
      if (!published) continue
      Object.assign(attempt, { sha256: published.content.sha256, sizeBytes: published.content.sizeBytes })
      ledger.acknowledgeRelease(attempt, published.releaseId)
      findings.count('publishes by the tool acknowledged')
      break
    }
    const isDone = attempt.releaseId !== undefined || end.aborted
    findings.expectThat('comes-back', isDone, () => `hotpatch release of ${version} failed ${TRIES} times.`)
    await rm(folder, { recursive: true })
  }

  /** Undefined when it failed, or was killed. */
  async function run(version: string, folder: string, isKilled: boolean): Promise<PublishedArchive | undefined> {
    const server = random.pick(site.servers)
    const named = ['--app', toolApp.slug, '--platform', PLATFORM, '--version', version]
    const started = startCliProcess(['release', ...named, '--bundle-dir', folder, '--yes', '--json'], {
      cwd: home,
      env: { HOME: home, TMPDIR: home, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: asking.token() },
    })
    if (isKilled) setTimeout(() => started.kill('SIGKILL'), random.between(300, 1_500)).unref()
    const { code, stdout } = await started.ended
    if (code === 0) return JSON.parse(stdout) as PublishedArchive
    findings.count(isKilled ? 'runs of the tool that were killed' : 'runs of the tool that failed')
    await wait(500)
    return undefined
  }

  for (let count = 0; !end.aborted; count++) {
    await release(`1.${count}.0`)
    await wait(random.between(EVERY_MS.from, EVERY_MS.to), undefined, { signal: end }).catch(() => undefined)
  }
}
