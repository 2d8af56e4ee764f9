import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const RUN = fileURLToPath(new URL('../scripts/real-clients/code-push/run.ts', import.meta.url))
/** The first time the packages are installed. */
const TIMEOUT_MS = 5 * 60_000

/** What they do there is in the stories of that run. */
test(
  "CodePush's SDK and the JavaScript of its plugins, as they are published, are served",
  { timeout: TIMEOUT_MS },
  async ({ skip, onTestFinished }) => {
    const child = spawn(process.execPath, [RUN], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill())
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [printed, code] = await Promise.all([text(child.stdout), ended])
    if (code === 77) skip(printed.trim())
    expect(printed).toMatch(/code-push 4\.2\.3 and its plugins: 4 passed, 0 failed/)
    expect(code).toBe(0)
  },
)
