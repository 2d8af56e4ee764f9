import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'
import { createReleaseForm } from './release-form.ts'

const metadata = { platform: 'ios', version: '1.0.0', notes: 'ü\r\n--hotpatch' } as const
const signatures = { signature: 'c2ln', statement: 'e30=', statementSignature: 'c2ln', publicKey: 'a2V5' }

async function createBundle(sizeBytes: number) {
  const tool = await createTool()
  const content = Buffer.alloc(sizeBytes, '\r\n--hotpatch-')
  await tool.write({ 'bundle.zip': content })
  return { content, bundle: { path: join(tool.cwd, 'bundle.zip'), sha256: '', sizeBytes } }
}

test('a form has the facts first and the bytes last, and the length that it announces', async () => {
  const { content, bundle } = await createBundle(700_000)
  const progress: number[] = []
  const form = createReleaseForm({ metadata, signatures, bundle, onProgress: (sent) => progress.push(sent) })
  const bytes = await new Response(form.body).bytes()
  expect(bytes.length).toBe(form.sizeBytes)
  expect(progress.at(-1)).toBe(form.sizeBytes)
  expect(progress.length).toBeGreaterThan(3)

  const parsed = await new Response(bytes, { headers: { 'content-type': form.contentType } }).formData()
  expect([...parsed.keys()]).toEqual(['metadata', ...Object.keys(signatures), 'bundle'])
  expect(JSON.parse(parsed.get('metadata') as string)).toEqual(metadata)
  expect(parsed.get('publicKey')).toBe('a2V5')
  const file = parsed.get('bundle') as File
  expect([file.name, file.type]).toEqual(['bundle.zip', 'application/zip'])
  expect(Buffer.from(await file.arrayBuffer()).equals(content)).toBe(true)
})

test('an unsigned form says nothing of signatures', async () => {
  const { bundle } = await createBundle(10)
  const form = createReleaseForm({ metadata, signatures: undefined, bundle, onProgress: () => {} })
  const parsed = await new Response(form.body, { headers: { 'content-type': form.contentType } }).formData()
  expect([...parsed.keys()]).toEqual(['metadata', 'bundle'])
})
