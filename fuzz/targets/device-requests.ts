import { parse as parseQuery } from 'fast-querystring'
import { problem } from '@hotpatch/protocol'
import { parse as parseJson } from 'secure-json-parse'
import { DIALECTS } from '../../packages/server/src/dialects/dialects.ts'
import { createAddressTable } from '../../packages/server/src/ground/http/address-table.ts'
import type { PlainRequest } from '../../packages/server/src/ground/http/plain-request.ts'
import type { DialectRoute } from '../../packages/server/src/updates/dialect.ts'
import type { Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { textOf } from '../reading/texts.ts'
import { vectorJson } from '../reading/vector-texts.ts'

const addresses = createAddressTable<DialectRoute>()
for (const { routes } of DIALECTS) for (const route of routes) addresses.add(route)

/** A request as text: a line of method and address, lines of headers, an empty line, the body. */
export const target: Target = {
  reads: 'requests of every client protocol: address, query, headers, JSON',
  maxBytes: 3_000,
  words: DIALECTS.flatMap(({ routes }) => routes.map(({ path }) => path)),
  read(input) {
    const text = textOf(input)
    const headEnd = text.indexOf('\n\n')
    const [line = '', ...headers] = (headEnd === -1 ? text : text.slice(0, headEnd)).split('\n')
    const [method = '', url = ''] = line.split(' ')
    const [path = '', search = ''] = url.split('?', 2)
    const found = addresses.find(path)
    const route = found?.byMethod[method]
    if (!found || !route || route.kind === 'about') return
    const request = requestOf(route, {
      params: found.params,
      search,
      headers,
      body: headEnd === -1 ? '' : text.slice(headEnd + 2),
    })
    route.nameApp(request)
    route.read(request)
    if (route.kind === 'feed' && route.forDevice?.isTold(request)) route.forDevice.read(request)
  },
  refuses: isReaderRefusal,
}

function requestOf(
  { method, path }: DialectRoute,
  {
    params,
    search,
    headers,
    body,
  }: { params: Readonly<Record<string, string>>; search: string; headers: string[]; body: string },
): PlainRequest {
  const told = new Map(
    headers.map((each) => [each.slice(0, each.indexOf(':')).toLowerCase(), each.slice(each.indexOf(':') + 1).trim()]),
  )
  return {
    method,
    path,
    params,
    appName: undefined,
    query: parseQuery(search),
    body: body === '' ? undefined : jsonOf(body),
    bodyBytes: Buffer.byteLength(body),
    address: '192.0.2.1',
    publicUrl: 'https://updates.example.com',
    header: (name) => told.get(name),
  }
}

/** As the lane does it. */
function jsonOf(body: string): unknown {
  try {
    return parseJson(body)
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw problem('malformed-json', cause.message, {}, { cause })
  }
}

export function seeds() {
  const bodies = vectorJson('dialects/**/*.json', ['body', 'request', 'query', 'json'])
  const lines = DIALECTS.flatMap(({ routes }) =>
    routes.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, 'demo')}`),
  )
  const query =
    'platform=ios&version=1.0.0&channel=production&deviceId=device-1&currentVersion=1.0.0&appVersion=1.2.3&projectId=demo'
  const headers = [
    'expo-platform: ios\nexpo-runtime-version: 1.0.0\nexpo-protocol-version: 1\nexpo-channel-name: production\nexpo-current-update-id: 019b2b80-0000-7000-8000-000000000000\nexpo-extra-params: a="b"\nexpo-expect-signature: sig, keyid="main", alg="rsa-v1_5-sha256"\nexpo-device-id: x\neas-client-id: x',
    'x-device-id: device-1\nx-platform: android\nx-app-version: 1.0.0\nuser-agent: electron-builder\nx-staging-id: abc\nx-hotpatch-installation: a\nx-app-key: k',
  ]
  return lines.flatMap((line, index) => [
    `${line}?${query}\n${headers[index % 2]}\n\n${bodies[index % bodies.length] ?? '{}'}`,
    `${line}?${query}\n${headers[(index + 1) % 2]}`,
    ...(line.startsWith('GET') ? [] : bodies.slice(0, 40).map((body) => `${line}\n\n${body}`)),
  ])
}
