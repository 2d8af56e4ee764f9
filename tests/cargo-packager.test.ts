import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const RUN = fileURLToPath(new URL('../scripts/real-clients/cargo-packager/run.ts', import.meta.url))
/** The build is bounded by itself. */
const TIMEOUT_MS = 12 * 60_000

/** What it does there is in the stories of that run; `npm test` looks for cargo. */
test.skipIf(!process.env.CARGO_PATH)(
  'the updater of cargo-packager, as it is published, takes what was signed and nothing else',
  { timeout: TIMEOUT_MS },
  async ({ skip, onTestFinished }) => {
    const child = spawn(process.execPath, [RUN], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill())
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [printed, code] = await Promise.all([text(child.stdout), ended])
    if (code === 77) skip(printed.trim())
    expect(printed).toMatch(/cargo-packager-updater \S+: 6 passed, 0 failed/)
    expect(code).toBe(0)
  },
)
