import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface EdgeMirror {
  root: string
  url: string
  /** Paths that were asked for. */
  asked: string[]
  close(): Promise<void>
}

/** As plain as a web server can be: a folder, and GET. It knows nothing of HotPatch. */
export async function startEdgeMirror(root: string, port = 0): Promise<EdgeMirror> {
  const asked: string[] = []
  const web: Server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://mirror')
    asked.push(pathname)
    readFile(join(root, decodeURIComponent(pathname))).then(
      (bytes) => response.writeHead(200, { 'content-length': bytes.length }).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => web.listen(port, '127.0.0.1', resolve))
  const { port: bound } = web.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      web.close(() => resolve())
      web.closeAllConnections()
    })
  return { root, url: `http://127.0.0.1:${bound}`, asked, close }
}

/** Where a server that keeps its artifacts on a disk writes what it says of a channel. */
export function pointerIn(data: string, appId: string, channel: string): string {
  return join(data, 'public', 'edge', 'v1', appId, 'android', channel, 'latest.json')
}

/** What lies beside the artifacts of a server, and these. */
export async function copyEdge(data: string, root: string): Promise<void> {
  await cp(join(data, 'public'), root, { recursive: true })
  const artifacts = join(data, 'artifacts')
  await mkdir(join(root, 'artifacts'), { recursive: true })
  for (const shard of await readdir(artifacts)) {
    for (const name of await readdir(join(artifacts, shard))) {
      await cp(join(artifacts, shard, name), join(root, 'artifacts', name))
    }
  }
}
