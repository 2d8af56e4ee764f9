import { startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ env: { HOTPATCH_PUBLIC_URL: 'https://ota.example.com/a&b' } })
  await server.createTestApp({ slug: 'secret-project', name: 'Secret Project' })
})
afterAll(() => server.close())

const get = (accept?: string) =>
  server.request('GET', '/', { token: null, headers: accept === undefined ? {} : { accept } })

describe('the address of the server itself', () => {
  test('shows a person a page that says nothing of the apps', async () => {
    const { status, headers, body } = await get('text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8')
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(body).toContain('manage/v1/reference')
    expect(body).toContain('--url https://ota.example.com/a&amp;b\n')
    expect(body).not.toMatch(/secret.project/i)
    expect(headers.vary).toBe('accept')
  })

  test('lets the page run and load nothing', async () => {
    const { headers, body } = await get('text/html')
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /)
    expect(body).not.toMatch(/<script|\son\w+=|\ssrc=|\sstyle=|href="(?:https?:)?\/\//i)
  })

  test.each([undefined, '*/*', 'application/json', 'application/problem+json, text/html;q=0'])(
    'tells machines that nothing is there: %s',
    async (accept) => {
      const { status, headers, body } = await get(accept)
      expect(status).toBe(404)
      expect(headers['content-type']).toContain('application/problem+json')
      expect(body.type).toBe('/problems/not-found')
      expect(headers.vary).toBe('accept')
    },
  )
})
