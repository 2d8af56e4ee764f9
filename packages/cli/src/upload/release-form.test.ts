import { ApiProblem, ServerUnreachable } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { completeContext } from '../process/context.ts'
import { createOutput } from '../output/output.ts'
import type { Session } from '../session/session.ts'
import { createCollector } from '../testing/run-tool.ts'
import { createReleaseForm } from './release-form.ts'
import { persistently } from './retry.ts'

const metadata = { platform: 'ios', version: '1.0.0', notes: 'ü\r\n--hotpatch' } as const
const signatures = { signature: 'c2ln', statement: 'e30=', statementSignature: 'c2ln', publicKey: 'a2V5' }

test('a form has the facts, and no bytes', async () => {
  const parsed = await new Response(createReleaseForm(metadata, signatures)).formData()
  expect([...parsed.keys()]).toEqual(['metadata', ...Object.keys(signatures)])
  expect(JSON.parse(parsed.get('metadata') as string)).toEqual(metadata)
  expect(parsed.get('publicKey')).toBe('a2V5')
})

test('an unsigned form says nothing of signatures', async () => {
  const parsed = await new Response(createReleaseForm(metadata, undefined)).formData()
  expect([...parsed.keys()]).toEqual(['metadata'])
})

describe('what may be asked twice', () => {
  async function ask(answers: readonly unknown[], signal = new AbortController().signal) {
    const waits: number[] = []
    const stderr = createCollector()
    const pause = async (milliseconds: number) => void waits.push(milliseconds)
    const context = completeContext({ env: {}, cwd: '/', stdout: createCollector(), stderr, pause, signal })
    const session = { context, output: createOutput(context, false) } as Session
    const left = answers.values()
    const asked = persistently(session, async () => {
      const { value } = left.next()
      if (value instanceof Error) throw value
      return value
    })
    const outcome = await asked.catch((error: unknown) => error)
    return { outcome, waits, told: stderr.text() }
  }
  const gateway = (status: number, retryAfter?: number) => new ApiProblem(status, undefined, retryAfter)

  test.each([502, 503, 504])('is asked again after %s', async (status) => {
    const { outcome, waits, told } = await ask([gateway(status), gateway(status), 'done'])
    expect([outcome, waits]).toEqual(['done', [1000, 2000]])
    expect(told).toMatch(/not known: asking again in 1 s[^]*has it now, once/)
  })

  test('is asked again when the connection broke', async () => {
    expect((await ask([new ServerUnreachable('No answer'), 'done'])).outcome).toBe('done')
  })

  test('waits as long as it is asked to, within a minute', async () => {
    expect((await ask([gateway(503, 7), gateway(503, 86_400), 'done'])).waits).toEqual([7000, 60_000])
  })

  test('is not asked for ever', async () => {
    const { outcome, waits } = await ask(Array.from({ length: 20 }, () => gateway(504)))
    expect(outcome).toMatchObject({ status: 504 })
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000])
  })

  test('is asked once when the server said no, and when nobody wants it any more', async () => {
    expect((await ask([gateway(400), 'done'])).outcome).toMatchObject({ status: 400 })
    expect((await ask([new Error('a bug'), 'done'])).outcome).toMatchObject({ message: 'a bug' })
    expect((await ask([gateway(504), 'done'], AbortSignal.abort())).outcome).toMatchObject({ status: 504 })
    expect(await ask(['done'])).toEqual({ outcome: 'done', waits: [], told: '' })
  })
})
