import type { PublishedRelease } from '@hotpatch/api'
import { publishBinary } from '../../packages/testkit/src/publish-binary.ts'
import { publishFiles } from '../../packages/testkit/src/publish-files.ts'
import { publishForm } from '../../packages/testkit/src/publish-form.ts'
import type { ServerProcess } from '../../packages/testkit/src/server-process.ts'
import type { TestServer } from '../../packages/testkit/src/test-server.ts'
import { zipOf } from '../../packages/testkit/src/zip-of.ts'

/** What an API that has nothing in it would answer with 404: names and ids that are there. */
export interface Seeded {
  /** Values of parameters in addresses, by their name. */
  parameters: Readonly<Record<string, readonly string[]>>
  viewerToken: string
}

type Answer = Record<string, never> & { id: string }

export async function seed({ url, ownerToken }: ServerProcess): Promise<Seeded> {
  const request = createRequest(url, ownerToken)
  const take = async (method: string, path: string, body?: unknown, form?: FormData) => {
    const answer = await request(method, path, { body, ...(form && { form }) })
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: found ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as Answer
  }
  const server = { request } as Pick<TestServer, 'request'>
  for (const slug of ['bundles', 'files']) await take('POST', '/manage/v1/apps', { slug, deviceIds: 'as-given' })
  await take('POST', '/manage/v1/apps', { slug: 'binaries', platforms: ['macos', 'windows'] })
  const apps = '/manage/v1/apps/bundles'
  const releases: string[] = []
  const rollouts: string[] = []
  const keep = ({ releaseId, rolloutId }: Pick<PublishedRelease, 'releaseId' | 'rolloutId'>) => {
    releases.push(releaseId)
    rollouts.push(rolloutId)
  }
  for (const version of ['1.0.0', '1.1.0']) {
    const bundle = await zipOf({ 'index.android.bundle': `// ${version}`, 'assets/logo.txt': version })
    const form = publishForm({ platform: 'android', version }, bundle)
    keep((await take('POST', `${apps}/releases`, undefined, form)) as unknown as PublishedRelease)
  }
  keep(
    await publishFiles(
      server,
      { slug: 'files' },
      { files: { 'index.html': 'hello', 'a/b.js': '1' }, platform: 'any', version: '1.0.0' },
    ),
  )
  keep(
    await publishBinary(
      server,
      { slug: 'binaries' },
      { files: [{ name: 'app-1.0.0.zip', bytes: await zipOf({ a: 'b' }) }], platform: 'macos', version: '1.0.0' },
    ),
  )
  const cohort = await take('POST', `${apps}/cohorts`, { name: 'testers', devices: ['device-1', 'device-2'] })
  const webhook = await take('POST', '/manage/v1/webhooks', { url: 'http://127.0.0.1:9/hook' })
  const key = await take('POST', `${apps}/channel-keys`, { channel: 'production', name: 'key' })
  const invitation = await take('POST', '/manage/v1/people/invitations', {
    email: 'someone@example.com',
    name: 'Someone',
    grants: [{ role: 'reader' }],
  })
  const viewer = (await take('POST', '/manage/v1/tokens', { name: 'viewer', role: 'reader' })) as unknown as {
    token: string
  }
  const other = await take('POST', '/manage/v1/tokens', { name: 'other', role: 'publisher' })
  await tellDevices(request, (await take('GET', apps)) as unknown as { id: string; appKey: string })
  return {
    viewerToken: viewer.token,
    parameters: {
      app: ['bundles', 'files', 'binaries'],
      channel: ['production', 'staging', 'beta'],
      platform: ['android', 'ios', 'any'],
      release: releases,
      cohort: ['testers', cohort.id],
      deviceId: ['device-1', 'device-2'],
      keyId: [key.id],
      id: [...releases, ...rollouts, webhook.id, invitation.id, other.id].filter((id) => typeof id === 'string'),
    },
  }
}

async function tellDevices(
  request: ReturnType<typeof createRequest>,
  { id, appKey }: { id: string; appKey: string },
): Promise<void> {
  for (const deviceId of ['device-1', 'device-2']) {
    const body = { appId: id, deviceId, version: '0.9.0', platform: 'android' }
    await request('POST', '/update/check', { body, token: null, headers: { 'x-app-key': appKey } })
  }
}

function createRequest(url: string, ownerToken: string) {
  return async (
    method: string,
    path: string,
    options: {
      body?: unknown
      form?: FormData
      token?: string | null
      headers?: Readonly<Record<string, string>>
    } = {},
  ) => {
    const { body, form, token = ownerToken, headers } = options
    const isBytes = body instanceof Uint8Array
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && !isBytes && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(form
        ? { body: form }
        : body === undefined
          ? {}
          : { body: isBytes ? Buffer.from(body) : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    return { status: response.status, headers: {}, body: (isJson ? JSON.parse(text) : text) as unknown }
  }
}
