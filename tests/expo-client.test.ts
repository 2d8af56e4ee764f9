import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const RUN = fileURLToPath(new URL('../scripts/real-clients/expo/run.ts', import.meta.url))
/** The first run fetches and compiles. */
const TIMEOUT_MS = 20 * 60_000

/** What it does there is in the stories of that run; `npm test` looks for a JDK and Maven. */
test.skipIf(process.env.HOTPATCH_EXPO_CLIENT_READY !== '1')(
  "Expo's own client for Android, as it is published, takes what it is to take and nothing else",
  { timeout: TIMEOUT_MS },
  async ({ skip, onTestFinished }) => {
    const child = spawn(process.execPath, [RUN], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill())
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
    const [printed, code] = await Promise.all([text(child.stdout), ended])
    if (code === 77) skip(printed.trim())
    expect(printed).toMatch(/expo-updates \S+: 14 passed, 0 failed/)
    expect(code).toBe(0)
  },
)
