import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { makeTemporaryDirectory } from '../make-temporary-directory.ts'

const PROGRAM = fileURLToPath(new URL('swift-store.py', import.meta.url))
/** That of the system, whose packages have Swift. */
const PYTHON = '/usr/bin/python3'
const BUCKET = 'hotpatch-artifacts'
const REGION = 'us-east-1'

export const OBJECT_STORE_MISSING = 'needs python3-swift of Debian'

export function hasObjectStore(): boolean {
  return spawnSync(PYTHON, ['-c', 'import swift']).status === 0
}

export type ObjectStore = Awaited<ReturnType<typeof startObjectStore>>

/** OpenStack Swift with its S3 interface, a process of its own, which verifies signatures; with one bucket. */
export async function startObjectStore() {
  const directory = await makeTemporaryDirectory()
  let child = await start(0)
  const { port } = child
  const endpoint = `http://127.0.0.1:${port}`
  await makeBucket(endpoint)

  const kill = async () => {
    child.process.kill('SIGKILL')
    if (child.process.exitCode === null && child.process.signalCode === null) await once(child.process, 'exit')
  }

  async function start(port: number): Promise<{ process: ChildProcess; port: number }> {
    const process = spawn(PYTHON, [PROGRAM, directory, String(port)], { stdio: ['pipe', 'pipe', 'pipe'] })
    const printed: string[] = []
    createInterface({ input: process.stderr }).on('line', (line) => printed.push(line))
    process.stdin.on('error', () => undefined) // it may end before it is told to
    for await (const line of createInterface({ input: process.stdout })) {
      const said = JSON.parse(line) as { port: number }
      return { process, port: said.port }
    }
    throw new Error(`The object store did not start:\n${printed.join('\n')}`)
  }

  return {
    endpoint,
    bucket: BUCKET,
    region: REGION,
    writer: { accessKeyId: 'test:writer', secretAccessKey: 'writer-secret' },
    /** Who may read in the account, and nothing else. */
    reader: { accessKeyId: 'test:reader', secretAccessKey: 'reader-secret' },
    /** As a server is told of it. */
    env: {
      S3_BUCKET: BUCKET,
      S3_ENDPOINT: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'test:writer',
      AWS_SECRET_ACCESS_KEY: 'writer-secret',
    },
    kill,
    /** After it was killed: with what it had, at the same address. */
    async startAgain() {
      child = await start(port)
    },
    async stop() {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** By a request that is signed here: the tests' own store needs no client of its own for it. */
async function makeBucket(endpoint: string): Promise<void> {
  const now = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const day = now.slice(0, 8)
  const { host } = new URL(endpoint)
  const empty = createHash('sha256').digest('hex')
  const signed = 'host;x-amz-content-sha256;x-amz-date'
  const request = `PUT\n/${BUCKET}\n\nhost:${host}\nx-amz-content-sha256:${empty}\nx-amz-date:${now}\n\n${signed}\n${empty}`
  const scope = `${day}/${REGION}/s3/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${now}\n${scope}\n${createHash('sha256').update(request).digest('hex')}`
  const key = [day, REGION, 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    'AWS4writer-secret',
  )
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const answer = await fetch(`${endpoint}/${BUCKET}`, {
    method: 'PUT',
    headers: {
      'x-amz-date': now,
      'x-amz-content-sha256': empty,
      authorization: `AWS4-HMAC-SHA256 Credential=test:writer/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    },
  })
  if (!answer.ok) throw new Error(`The object store made no bucket: ${answer.status} ${await answer.text()}`)
}
