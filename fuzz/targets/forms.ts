import Fastify from 'fastify'
import { Problem } from '@hotpatch/protocol'
import { withPackage } from '../../packages/server/src/contracts/code-push/read-package-info.ts'
import { takeForms } from '../../packages/server/src/ground/http/take-forms.ts'
import { withUpload } from '../../packages/server/src/rolling-out/publishing/receive-upload.ts'
import type { ContentService } from '../../packages/server/src/shipping/content/content-service.ts'
import { Broken, type Target } from '../engine/target.ts'
import { textOf } from '../reading/texts.ts'

/** Takes what a form has, and keeps nothing of it. */
const contents = {
  async receive(file: AsyncIterable<Buffer>) {
    for await (const _chunk of file) void _chunk
    return { discard: () => Promise.resolve() }
  },
} as unknown as ContentService

type Answered = { kind: 'taken' } | { kind: 'failed'; error: unknown }
let answered: Answered | undefined

const app = Fastify({ logger: false })
app.decorate('connections', { expectUpload: () => undefined } as never)
await takeForms(app)
app.post('/publish', (request) => withUpload(request, contents, () => Promise.resolve('taken')))
app.post('/package', (request) => withPackage(request, contents, () => Promise.resolve('taken')))
app.setErrorHandler((error, _request, reply) => {
  answered = { kind: 'failed', error }
  return reply.code(400).send('refused')
})

/** A line that says how the form is bounded, and the form. */
export const target: Target = {
  reads: 'forms of a publish: multipart/form-data',
  maxBytes: 1_200,
  words: [
    '--x\r\n',
    '--x--\r\n',
    'content-disposition: form-data; name="metadata"\r\n\r\n',
    '; filename="a.zip"',
    "filename*=utf-8''%e2%82%ac",
    'content-type: application/json\r\n',
  ],
  async read(input) {
    const end = input.indexOf(0x0a)
    const type = textOf(input.subarray(0, Math.max(0, end))).replaceAll(/[^ -~]/g, '')
    answered = undefined
    const { statusCode } = await app.inject({
      method: 'POST',
      url: (input[0] ?? 0) % 2 === 0 ? '/publish' : '/package',
      headers: { 'content-type': type },
      payload: Buffer.from(input.subarray(end + 1)),
    })
    const outcome = answered as Answered | undefined
    if (outcome?.kind === 'failed') throw outcome.error
    if (statusCode !== 200 && statusCode !== 415) throw new Broken(`a form that is answered with ${statusCode}`)
  },
  refuses: (error) =>
    error instanceof Problem ||
    // The framework's own, of which the server makes problems: by their status.
    (error instanceof Error &&
      'statusCode' in error &&
      Number(error.statusCode) >= 400 &&
      Number(error.statusCode) < 500),
}

export function seeds() {
  const part = (head: string, body: string) => `--x\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  const form = `${part('name="metadata"', '{"platform":"android","version":"1.0.0"}')}${part('name="signature"', 'AAAA')}${part('name="bundle"; filename="b.zip"', 'PK')}--x--\r\n`
  const other = `${part('name="package"; filename="a.zip"', 'PK')}${part('name="packageInfo"', '{"appVersion":"1.0"}')}--x--\r\n`
  return [form, other].flatMap((each) => [
    `multipart/form-data; boundary=x\n${each}`,
    `multipart/form-data;  boundary="x"\n${each}`,
    `application/json\n{"metadata":{}}`,
  ])
}
