import { createVerify, generateKeyPairSync } from 'node:crypto'
import type { ChannelKey, PublishedArchive } from '@hotpatch/api'
import { strFromU8, unzipSync } from 'fflate'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

test("a bundle is signed as CodePush's plugins verify it, in place of any signature that is there", async () => {
  const { write, run, json } = await server.createPublisher()
  const { key } = await json<ChannelKey>('channels keys create production --platform android --yes')
  await write({ 'key.pem': privateKey, 'out/index.android.bundle': 'one', 'out/CodePush/.codepushrelease': 'another' })
  const line = 'release --platform android --version 1.0.0 --bundle-dir out --code-push-key key.pem --yes'
  expect((await run(`${line} --dry-run`)).stderr).toMatch(/Package signed +within the zip, .*key\.pem/)
  const { content } = await json<PublishedArchive>(line)
  const zip = unzipSync(new Uint8Array(await (await fetch(content.downloadUrl)).arrayBuffer()))
  const [head = '', claims = '', signature = ''] = strFromU8(
    zip['CodePush/.codepushrelease'] ?? new Uint8Array(),
  ).split('.')
  expect(createVerify('sha256').update(`${head}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(true)
  const told = [head, claims].map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  const query = new URLSearchParams({ deployment_key: key, app_version: '1.0.0' })
  const answer = await fetch(`${server.url()}/v0.1/public/codepush/update_check?${query}`)
  const { update_info } = (await answer.json()) as { update_info: { package_hash: string } }
  expect(told).toEqual([
    { alg: 'RS256', typ: 'JWT' },
    { claimVersion: '1.0.0', contentHash: update_info.package_hash },
  ])
  // The same again is the same.
  expect((await run(line)).stderr).toContain('is on production already, with these very bytes')
})

test('only one zip is signed so', async () => {
  const { write, run } = await server.createPublisher()
  await write({ 'key.pem': privateKey, 'www/index.html': '<p>', 'bad.pem': 'none' })
  const line = 'publish www --platform android --version 1.0.0 --yes'
  expect((await run(`${line} --kind files --code-push-key key.pem`)).stderr).toContain('--code-push-key signs one zip')
  const unreadable = await run(`${line} --code-push-key bad.pem`)
  expect([unreadable.exitCode, unreadable.stderr]).toEqual([1, expect.stringContaining('Expected a private RSA key')])
})
