import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, type TestContext } from 'vitest'

/**
 * Plays the stories of another's client, all or those that `only` names, and holds the count against what it is to be.
 * The test is left out where the client cannot be had.
 */
export async function playRealClient(
  { skip, onTestFinished }: TestContext,
  {
    client,
    only = [],
    passed,
    env = {},
  }: { client: string; only?: readonly string[]; passed: RegExp; env?: Record<string, string> },
): Promise<void> {
  const run = fileURLToPath(new URL(`../scripts/real-clients/${client}/run.ts`, import.meta.url))
  const child = spawn(process.execPath, [run, ...only], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill())
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [printed, code] = await Promise.all([text(child.stdout), ended])
  if (code === 77) skip(printed.trim())
  expect(printed).toMatch(passed)
  expect(code).toBe(0)
}
