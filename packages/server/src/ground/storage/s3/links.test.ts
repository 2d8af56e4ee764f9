import { createVerify, generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryDirectory } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { StorageSetupError } from '../storage-error.ts'
import { createLinks } from './links.ts'
import type { S3Downloads } from './s3-config.ts'

const NOON = Date.parse('2026-01-05T12:00:00Z')
const NAME = 'hotpatch/artifacts/abc'
const NEEDED = { headers: { contentEncoding: 'br' }, mustHaveHeaders: true }
const WISHED = { headers: { contentType: 'application/zip' }, mustHaveHeaders: false }

/** The store's clock is a minute ahead. */
const linksOf = (downloads: S3Downloads) =>
  createLinks({
    s3: {
      presign: (name, seconds, headers) =>
        Promise.resolve(new URL(`https://store/${name}?for=${seconds}&as=${headers.contentEncoding}`)),
      skewMs: () => 60_000,
    },
    downloads,
    clock: { now: () => NOON },
  })

test('a server that sends all bytes itself gives no links', async () => {
  expect(await (await linksOf({ kind: 'server' })).linkTo(NAME, WISHED)).toBeUndefined()
})

test('a presigned link says what the bytes are called', async () => {
  const { linkTo } = await linksOf({ kind: 'presigned', linkSeconds: 60 })
  expect(String(await linkTo(NAME, NEEDED))).toBe(`https://store/${NAME}?for=60&as=br`)
})

test('a CDN has the bytes, and no name of theirs', async () => {
  const { linkTo } = await linksOf({ kind: 'cdn', url: 'https://cdn.example.com' })
  expect(String(await linkTo(NAME, WISHED))).toBe(`https://cdn.example.com/${NAME}`)
  expect(await linkTo(NAME, NEEDED)).toBeUndefined()
})

async function aKeyFile(text: string) {
  const path = join(await temporaryDirectory(), 'key.pem')
  await writeFile(path, text)
  return path
}

const cloudFront = (privateKeyFile: string): S3Downloads => ({
  kind: 'cloudfront',
  url: 'https://d1.cloudfront.net',
  keyPairId: 'K1',
  privateKeyFile,
  linkSeconds: 300,
})

test('a link of CloudFront is signed as CloudFront holds it, and ends by the time of the store', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const file = await aKeyFile(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
  const { linkTo } = await linksOf(cloudFront(file))
  const url = await linkTo(NAME, WISHED)
  const address = `https://d1.cloudfront.net/${NAME}`
  const ends = (NOON + 60_000 + 300_000) / 1000
  expect(`${url?.origin}${url?.pathname}`).toBe(address)
  expect([url?.searchParams.get('Expires'), url?.searchParams.get('Key-Pair-Id')]).toEqual([String(ends), 'K1'])
  // The canned policy, to the letter.
  const policy = `{"Statement":[{"Resource":"${address}","Condition":{"DateLessThan":{"AWS:EpochTime":${ends}}}}]}`
  const signs = { '-': '+', _: '=', '~': '/' } as const
  const signature = (url?.searchParams.get('Signature') ?? '').replaceAll(/[-_~]/g, (sign) => signs[sign as '-'])
  expect(createVerify('RSA-SHA1').update(policy).verify(publicKey, signature, 'base64')).toBe(true)
  expect(await linkTo(NAME, NEEDED)).toBeUndefined()
})

test.each([
  ['no file', () => Promise.resolve('/nowhere/key.pem'), /found ENOENT. Correct S3_CLOUDFRONT_PRIVATE_KEY_FILE/],
  ['no key', () => aKeyFile('my secret'), /found what cannot sign/],
])('%s is told at the start', async (_what, file, message) => {
  const thrown: unknown = await linksOf(cloudFront(await file())).catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(StorageSetupError)
  expect((thrown as Error).message).toMatch(message)
  expect((thrown as Error).message).not.toContain('my secret')
})
