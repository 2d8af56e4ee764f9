import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { temporaryDirectory } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { keepThread } from './keep-thread.ts'
import { startThread, type Thread } from './start-thread.ts'

const ANSWERING = new URL('./answer-questions.ts', import.meta.url).href

/** A thread that answers with what `answer` returns, and says when it was closed. */
async function optionsOf(answer: string, close = 'async () => {}') {
  const file = join(await temporaryDirectory(), 'thread.mjs')
  await writeFile(
    file,
    `import { answerQuestions } from ${JSON.stringify(ANSWERING)}
    import { setTimeout as wait } from 'node:timers/promises'
    import { workerData } from 'node:worker_threads'
    answerQuestions(${answer}, ${close})`,
  )
  return { does: 'counts', script: pathToFileURL(file), workerData: { by: 2 } }
}

async function start<Question, Answer>(answer: string, close?: string): Promise<Thread<Question, Answer>> {
  const thread = startThread<Question, Answer>(await optionsOf(answer, close))
  onTestFinished(() => thread.kill(new Error('the test is over')))
  return thread
}

test('questions are answered one after the other, in their order', async () => {
  const thread = await start<number, string>(`
    (() => { let running = 0; return async (n) => {
      running += 1
      await wait(n)
      const seen = running
      running -= 1
      return n * workerData.by + ' beside ' + (seen - 1)
    } })()`)
  expect(await Promise.all([thread.ask(20), thread.ask(1)])).toEqual(['40 beside 0', '2 beside 0'])
})

test('an error comes with its name, its code and its stack, and the next question is answered', async () => {
  const thread = await start<number, number>(
    `(n) => { if (n === 0) throw Object.assign(new RangeError('too few'), { code: 'E_FEW', errcode: 7 }); return n }`,
  )
  const error = await thread.ask(0).catch((error: unknown) => error)
  expect(error).toMatchObject({ name: 'RangeError', message: 'too few', code: 'E_FEW', errcode: 7 })
  expect((error as Error).stack).toContain('thread.mjs')
  expect(await thread.ask(1)).toBe(1)
})

test.each(['before it is asked', 'while it is answered'])('an abort %s arrives in the thread', async (when) => {
  const thread = await start<string, string>(
    `async (text, signal) => { while (!signal.aborted) await wait(1); return text + ', in part' }`,
  )
  const aborting = new AbortController()
  if (when === 'before it is asked') aborting.abort()
  const answer = thread.ask('swept', aborting.signal)
  aborting.abort()
  expect(await answer).toBe('swept, in part')
})

test.runIf(process.platform === 'linux')('a thread that gives way does so alone', async () => {
  const file = join(await temporaryDirectory(), 'thread.mjs')
  const givingWay = new URL('./give-way.ts', import.meta.url).href
  await writeFile(
    file,
    `import { answerQuestions } from ${JSON.stringify(ANSWERING)}
    import { giveWay } from ${JSON.stringify(givingWay)}
    import { getPriority } from 'node:os'
    giveWay()
    answerQuestions(() => getPriority())`,
  )
  const before = getPriority()
  const thread = startThread<null, number>({ does: 'waits', script: pathToFileURL(file), workerData: null })
  onTestFinished(() => thread.kill(new Error('the test is over')))
  expect(await thread.ask(null)).toBeGreaterThan(before)
  expect(getPriority()).toBe(before)
})

test('closing is after what was asked, and after what the thread has to close', async () => {
  const file = join(await temporaryDirectory(), 'closed')
  const thread = await start<number, number>(
    `async (n) => { await wait(5); return n }`,
    `async () => { await wait(5); (await import('node:fs')).writeFileSync(${JSON.stringify(file)}, '') }`,
  )
  const answer = thread.ask(3)
  await thread.close()
  expect(await answer).toBe(3)
  expect(existsSync(file)).toBe(true)
  await expect(thread.ask(4)).rejects.toThrow('The thread that counts ended with code 0.')
})

test('a killed thread rejects at once what it was asked; a kept one is replaced', async () => {
  const options = await optionsOf(`async (n) => { if (n === 0) for (;;); return n }`)
  const deaths: Error[] = []
  const thread = keepThread<number, number>({ ...options, onDeath: (error) => deaths.push(error) })
  const stuck = thread.ask(0).catch(String)
  const killed = thread.kill(new Error('took too long'))
  expect(await stuck).toBe('Error: took too long')
  await killed
  expect(await thread.ask(5)).toBe(5)
  await thread.closeNow()
  await expect(thread.ask(6)).rejects.toThrow('The thread that counts is closed.')
  // Only what it does by itself is spoken of.
  expect(deaths).toEqual([])
})
