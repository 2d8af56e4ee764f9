import { createHash } from 'node:crypto'
import { describeError } from '../asking.ts'
import type { Findings } from '../findings.ts'
import type { SoakServer } from '../machines/soak-server.ts'
import { disturbancesOf, type Timeline } from '../timeline.ts'

const AT_ONCE = 2
/** More are not looked at: what is offered often is looked at soon. */
const MAX_WAITING = 100
const DOWNLOAD_TIMEOUT_MS = 20_000

export type Wholeness = ReturnType<typeof createWholeness>

/** Downloads what is offered, and hashes it. */
export function createWholeness(of: { servers: readonly SoakServer[]; timeline: Timeline; findings: Findings }) {
  const { servers, timeline, findings } = of
  const seen = new Set<string>()
  const waiting: { url: string; sha256: string }[] = []
  const running = new Set<Promise<void>>()

  /** Soon, and once since the last recovery. */
  function look(url: string, sha256: string): void {
    const key = `${new URL(url).host} ${sha256}`
    if (seen.has(key) || waiting.length >= MAX_WAITING) return
    seen.add(key)
    waiting.push({ url, sha256 })
    if (running.size >= AT_ONCE) return
    const working = work().finally(() => running.delete(working))
    running.add(working)
  }

  async function work(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) await isWhole(next.url, next.sha256)
  }

  /** Undefined when it cannot be told, as something was broken on purpose. */
  async function isWhole(url: string, sha256: string): Promise<boolean | undefined> {
    const startedAt = timeline.now()
    const server = servers.findIndex((each) => url.startsWith(each.url))
    let found: string
    try {
      found = await digestOf(url)
    } catch (error) {
      found = describeError(error)
    }
    const isGood = found === sha256
    if (!isGood && timeline.wasDisturbed(startedAt, ...disturbancesOf(server))) {
      findings.count('downloads that failed while something was away')
      seen.delete(`${new URL(url).host} ${sha256}`)
      return undefined
    }
    findings.count('downloads hashed')
    return findings.expectThat('nothing-half', isGood, () => `${url}: expected ${sha256}, found ${found}.`)
  }

  return {
    look,
    isWhole,
    /** What was whole before may not be now. */
    forget: () => seen.clear(),
    whenIdle: async () => void (await Promise.all(running)),
  }
}

async function digestOf(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) })
  if (!response.ok || !response.body)
    throw new Error(`answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
  const hash = createHash('sha256')
  for await (const chunk of response.body) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
