import { constants, createCipheriv, createHash, generateKeyPairSync, privateEncrypt, randomBytes } from 'node:crypto'
import { zipOf } from '../../../packages/testkit/src/zip-of.ts'

/** Adds to a release what it is encrypted, as the plugin's own tool does it. @returns the key that the app carries */
export async function encrypt({
  server,
  app,
  releaseId,
  files,
}: {
  server: { url: string; ownerToken: string }
  app: string
  releaseId: string
  files: Record<string, string>
}): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const seal = (bytes: Buffer) => privateEncrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, bytes)
  const checksum = (bytes: Buffer) => seal(createHash('sha256').update(bytes).digest()).toString('hex')
  const [key, iv] = [randomBytes(16), randomBytes(16)]
  const close = (bytes: Buffer) => {
    const cipher = createCipheriv('aes-128-cbc', key, iv)
    return Buffer.concat([cipher.update(bytes), cipher.final()])
  }
  const pem = publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
  const bundle = await zipOf(files)
  const plain = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const)
  const metadata = {
    algorithm: 'capgo-v2',
    keyId: pem.replaceAll(/-----[^-]+-----|\s/g, '').slice(0, 20),
    sessionKey: `${iv.toString('base64')}:${seal(key).toString('base64')}`,
    checksum: checksum(bundle),
    files: plain.map(([path, bytes]) => ({ path, checksum: checksum(bytes) })),
  }
  const form = new FormData()
  form.set('metadata', new Blob([JSON.stringify(metadata)], { type: 'application/json' }), 'metadata.json')
  form.set('bundle', new Blob([new Uint8Array(close(bundle))]), 'bundle.zip')
  const closed = Object.fromEntries(plain.map(([path, bytes]) => [path, close(bytes)]))
  form.set('files', new Blob([new Uint8Array(await zipOf(closed))]), 'files.zip')
  const address = `${server.url}/manage/v1/apps/${app}/releases/${releaseId}/variants`
  const headers = { authorization: `Bearer ${server.ownerToken}` }
  const answer = await fetch(address, { method: 'POST', headers, body: form })
  if (answer.status !== 201) throw new Error(`not added: ${await answer.text()}`)
  return pem
}
