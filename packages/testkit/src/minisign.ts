import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A key as minisign and Tauri make one, and what it signs. */
export function newMinisignKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  const keyId = randomBytes(8)
  const line = Buffer.concat([Buffer.from('Ed'), keyId, raw]).toString('base64')

  /** What lies in a `.sig` file. */
  function signFile(bytes: Uint8Array, { name = 'app', version }: { name?: string; version?: string } = {}): string {
    const signature = sign(null, createHash('blake2b512').update(bytes).digest(), privateKey)
    const comment = `timestamp:1795893300\tfile:${name}${version === undefined ? '' : `\tversion:${version}`}`
    const global = sign(null, Buffer.concat([signature, Buffer.from(comment)]), privateKey)
    const first = Buffer.concat([Buffer.from('ED'), keyId, signature]).toString('base64')
    const text = `untrusted comment: signature\n${first}\ntrusted comment: ${comment}\n${global.toString('base64')}\n`
    return Buffer.from(text).toString('base64')
  }

  return {
    line,
    /** As `pubkey` of `tauri.conf.json` has it. */
    pubkey: Buffer.from(`untrusted comment: minisign public key\n${line}\n`).toString('base64'),
    signFile,
  }
}
