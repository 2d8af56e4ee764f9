import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { bundleOf, publishForm, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'

const GUIDE = new URL('../docs/guides/webhooks.md', import.meta.url)

test('the receiver of the guide takes what the server sends, and nothing else', async () => {
  const directory = await temporaryDirectory()
  const code = /```js receiver\.mjs\n(.*?)```/s.exec(await readFile(GUIDE, 'utf8'))?.[1]
  await writeFile(join(directory, 'receiver.mjs'), code ?? '')

  const env = { HOTPATCH_WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8' }
  const server = await startServerProcess({ directory: join(directory, 'data'), env })
  onTestFinished(() => server.stop().then(() => undefined))
  const call = async (path: string, body: unknown) => {
    const isForm = body instanceof FormData
    const response = await fetch(`${server.url}/manage/v1${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${server.ownerToken}`,
        ...(!isForm && { 'content-type': 'application/json' }),
      },
      body: isForm ? body : JSON.stringify(body),
    })
    expect(response.status).toBeLessThan(300)
    return (await response.json()) as Record<string, string>
  }

  const { slug } = await call('/apps', { slug: 'demo' })
  // The receiver has to know the secret, and the webhook where the receiver is.
  const webhook = await call('/webhooks', { url: 'http://127.0.0.1:9/', app: slug, types: ['release.published'] })
  const receiver = spawn(process.execPath, [join(directory, 'receiver.mjs')], {
    env: { WEBHOOK_SECRET: webhook.secret, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    receiver.kill()
    return once(receiver, 'exit').then(() => undefined)
  })
  const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]()
  const port = /port (\d+)/.exec(String((await lines.next()).value))?.[1]
  const address = `http://127.0.0.1:${port}/hotpatch`
  const changed = await fetch(`${server.url}/manage/v1/webhooks/${webhook.id}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${server.ownerToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: address }),
  })
  expect(changed.status).toBe(200)

  const form = publishForm({ platform: 'android', version: '1.2.3' }, await bundleOf('one'))
  await call(`/apps/${slug}/releases`, form)
  expect((await lines.next()).value).toMatch(/^[\da-f-]{36} release\.published 1\.2\.3$/)

  const forged = await fetch(address, {
    method: 'POST',
    headers: {
      'webhook-id': 'mine',
      'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
      'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}`,
    },
    body: '{"type":"release.published","data":{}}',
  })
  expect(forged.status).toBe(401)
})
