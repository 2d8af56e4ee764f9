import type { HttpPort } from '@hotpatch/client'
import { expect, test } from 'vitest'
import { patientHttp } from './patient-http.ts'

const request = { method: 'GET' as const, url: 'http://localhost/', headers: {} }

/** Answers with these statuses, one after the other; the last one for ever. */
function answering(...statuses: { status: number; retryAfter?: string }[]) {
  let asked = 0
  const http: HttpPort = {
    open: () => {
      const { status, retryAfter } = statuses[Math.min(asked, statuses.length - 1)] ?? expect.unreachable()
      asked += 1
      const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
      return { response: Promise.resolve({ status, headers, body: nothing() }), abort: () => undefined }
    },
  }
  const waits: number[] = []
  const wait = async (ms: number) => waits.push(ms)
  return { http: patientHttp(http, { wait }), asked: () => asked, waits }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

test('waits as long as a server asks that limits its address, and asks again', async () => {
  const { http, asked, waits } = answering(
    { status: 429, retryAfter: '7' },
    { status: 429, retryAfter: '0' },
    { status: 200 },
  )
  expect(await http.open(request).response).toMatchObject({ status: 200 })
  expect(waits).toEqual([7000, 1000])
  expect(asked()).toBe(3)
})

test.each([
  ['does not wait for ever', { status: 429, retryAfter: '1' }, 20],
  ['nor very long', { status: 429, retryAfter: '86400' }, 1],
  ['nor without being asked to', { status: 429 }, 1],
  ['nor for a failure, which is the devices’ own affair', { status: 503, retryAfter: '1' }, 1],
])('%s', async (_, answer, times) => {
  const { http, asked } = answering(answer)
  expect(await http.open(request).response).toMatchObject({ status: answer.status })
  expect(asked()).toBe(times)
})
