import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createNodeEncryption } from '@hotpatch/client/node'
import { chunksOf, openEncryptedFile, readEncryptedHead, readHeadLength } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { readProject } from '../config/project-file.ts'
import { readRecipients } from '../encryption/choose-recipients.ts'
import { encryptFile } from '../content/archive/encrypt-file.ts'
import { encryptionKeyOf } from '../config/encryption-recipients.ts'
import { readEncryptionKey } from '../encryption/encryption-key.ts'
import { createTool, type Tool } from '../testing/run-tool.ts'

const madeBy = (tool: Tool, name: string) =>
  tool.json<{ path: string; publicKey: string; id: string }>(`encryption-keys generate --key ${name}`)

describe('encryption keys', () => {
  test('are made once, for their owner alone, and shown without the private half', async () => {
    const tool = await createTool()
    const made = await madeBy(tool, 'key.pem')
    expect((await stat(made.path)).mode & 0o777).toBe(0o600)
    const before = await readFile(made.path, 'utf8')
    const again = await tool.run('encryption-keys generate --key key.pem')
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toContain('exists, and nothing is overwritten')
    expect(await readFile(made.path, 'utf8')).toBe(before)
    const shown = await tool.run('encryption-keys show --key key.pem --json')
    expect(JSON.parse(shown.stdout)).toEqual(made)
    const { stdout } = await tool.run('encryption-keys private --key key.pem')
    expect(Buffer.from(stdout.trim(), 'base64')).toHaveLength(32)
    for (const { stdout: told, stderr } of [again, shown]) expect(told + stderr).not.toContain(stdout.trim())
  })

  test('that are none are refused without a word of what is in the file', async () => {
    const tool = await createTool()
    await tool.write({ 'other.pem': 'a secret that is no key' })
    const { exitCode, stderr } = await tool.run('encryption-keys show --key other.pem')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('expected an X25519 private key in PEM')
    expect(stderr).not.toContain('secret that')
    expect((await tool.run('encryption-keys show --key none.pem')).stderr).toContain('There is no encryption key')
  })

  test('are named in hotpatch.json by their public half', async () => {
    const { publicKey, id } = await madeBy(await createTool(), 'key.pem')
    const project = (encryptFor: unknown) => () => readProject(JSON.stringify({ encryptFor }), '/p/hotpatch.json')
    expect(project([publicKey, publicKey])().encryptFor?.map(({ keyId }) => keyId)).toEqual([id])
    expect(project([])).toThrow('at least one public key')
    expect(project(['c2hvcnQ='])).toThrow('/encryptFor/0')
    expect(project(Array.from({ length: 17 }, () => publicKey))).toThrow('at most 16')
    expect(readRecipients(`${publicKey}, ${publicKey}`)).toHaveLength(1)
    expect(() => readRecipients('x')).toThrow('public keys in base64')
    // Of small order (RFC 7748 §6.1): whatever is sealed for it, everybody can open.
    const [zero, one] = [Buffer.alloc(32), Buffer.alloc(32).fill(1, 0, 1)].map((raw) => raw.toString('base64'))
    expect(() => readRecipients(zero!)).toThrow('public keys in base64')
    expect(project([publicKey, one])).toThrow('/encryptFor/1')
  })
})

test('a file is encrypted with memory for a chunk, and opens with the key that it is for', async () => {
  const tool = await createTool()
  const key = await readEncryptionKey((await madeBy(tool, 'key.pem')).path)
  const plain = Buffer.alloc(200_000, 'plain ')
  const cwd = await tool.write({ plain })
  const sha256 = createHash('sha256').update(plain).digest('hex')
  const facts = { purpose: 'archive' as const, sha256, sizeBytes: plain.length, tree: '0'.repeat(64) }
  const keys = [encryptionKeyOf(key.publicKey) ?? expect.unreachable()]
  const context = { signal: AbortSignal.timeout(60_000) }
  const made = await encryptFile(context, join(cwd, 'plain'), join(cwd, 'sealed'), { facts, keys })
  const file = await readFile(made.path)
  expect(file.length).toBe(made.sizeBytes)
  const head = readEncryptedHead(file.subarray(0, readHeadLength(file)))
  const own = [{ keyId: key.keyId, privateKey: key.privateKey() }]
  const opener = await openEncryptedFile(head, { keys: own, purpose: 'archive' }, createNodeEncryption())
  const opened: Uint8Array[] = []
  for (const chunk of chunksOf(head)) {
    opened.push(await opener.open(chunk, file.subarray(chunk.offset, chunk.offset + chunk.sealedBytes)))
  }
  expect(Buffer.concat(opened).equals(plain)).toBe(true)
  const lie = { facts: { ...facts, sha256: '0'.repeat(64) }, keys }
  const changed = encryptFile(context, join(cwd, 'plain'), join(cwd, 'again'), lie)
  await expect(changed).rejects.toMatchObject({ type: 'bundle-changed' })
})
