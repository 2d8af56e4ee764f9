import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, type TestContext } from 'vitest'

/**
 * Compiles and tests what we have in another language. What it takes may be missing on a machine of a developer's, and the
 * test is left out there; in CI nothing is, but what `maySkipInCi`.
 */
export async function playNativeTests(
  { skip, onTestFinished }: TestContext,
  { language, passed, maySkipInCi = false }: { language: 'android' | 'swift'; passed: RegExp; maySkipInCi?: boolean },
): Promise<void> {
  const run = fileURLToPath(new URL(`../scripts/native-tests/${language}/run.ts`, import.meta.url))
  const child = spawn(process.execPath, [run], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill())
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [printed, code] = await Promise.all([text(child.stdout), ended])
  process.stdout.write(printed)
  if (code === 77 && (maySkipInCi || process.env.HOTPATCH_CI !== '1')) skip(printed.trim())
  expect(printed).toMatch(passed)
  expect(code).toBe(0)
}
