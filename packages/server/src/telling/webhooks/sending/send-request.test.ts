import { describe, expect, test, vi } from 'vitest'
import { createAddressRules, type ResolveHost } from '../../../ground/outgoing/address-rules.ts'
import { answering, startReceiver } from '../testing/receiver.ts'
import { sendRequest } from './send-request.ts'

const opened = { allowed: ['127.0.0.0/8'], refusal: 'webhook-address-refused' as const }

describe('a request', () => {
  const send = (checked: Awaited<ReturnType<ReturnType<typeof createAddressRules>['check']>>) =>
    sendRequest(checked, { headers: {}, body: '{}', signal: new AbortController().signal })

  test('goes to the address that was checked, whatever the name stands for by then', async () => {
    const receiver = await startReceiver()
    const resolveHost = vi
      .fn<ResolveHost>()
      .mockResolvedValueOnce([{ address: '127.0.0.1', family: 4 }])
      .mockResolvedValue([{ address: '203.0.113.9', family: 4 }])
    const rules = createAddressRules({ ...opened, resolveHost })
    const checked = await rules.check(`http://receiver.example:${receiver.port}/hook`)
    expect(await send(checked)).toMatchObject({ status: 204 })
    expect(resolveHost).toHaveBeenCalledTimes(1)
    expect(receiver.received[0]?.headers.host).toBe(`receiver.example:${receiver.port}`)
    await receiver.close()
  })

  test('follows no redirect, and reads no more than 4 KiB of the answer', async () => {
    const receiver = await startReceiver()
    const rules = createAddressRules(opened)
    const checked = await rules.check(receiver.url)
    receiver.answerWith(answering(302, { location: 'http://127.0.0.1:1/' }))
    expect(await send(checked)).toMatchObject({ status: 302 })
    receiver.answerWith((response) => {
      response.writeHead(500)
      // For ever, were it read.
      const write = () => void (response.write('x'.repeat(64 * 1024)) && setImmediate(write))
      response.on('drain', write)
      write()
    })
    expect((await send(checked)).text).toHaveLength(4096)
    expect(receiver.received).toHaveLength(2)
    await receiver.close()
  })
})
