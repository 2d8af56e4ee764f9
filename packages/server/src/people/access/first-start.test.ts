import { createPostgresDatabase, startTestServer, type TestServer } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'

describe('two servers that start at once on an empty PostgreSQL', () => {
  const url = process.env.TEST_POSTGRES_URL
  test.skipIf(!url)('make one schema and one owner', async () => {
    const database = await createPostgresDatabase(url ?? '')
    onTestFinished(() => database.drop())
    const env = { DATABASE_URL: database.url, JWT_SECRET: 'j'.repeat(32) }
    const starts = Array.from({ length: 4 }, () => startTestServer({ env }))
    const started = await Promise.allSettled(starts)
    const servers = started.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    onTestFinished(async () => {
      await Promise.all(servers.map((server) => server.close()))
    })
    expect(started.filter(({ status }) => status === 'rejected')).toEqual([])

    const owners = servers.filter(({ ownerToken }) => ownerToken !== '')
    expect(owners).toHaveLength(1)
    const [{ ownerToken: token }, last] = [owners[0], servers.at(-1)] as [TestServer, TestServer]
    const { body } = await last.request('GET', '/manage/v1/tokens', { token })
    expect(body.items).toMatchObject([{ name: 'owner', role: 'owner' }])
  })
})
