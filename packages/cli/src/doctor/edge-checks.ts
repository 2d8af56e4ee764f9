import type { App, EdgeOfApp, ManagementClient } from '@hotpatch/api'
import { fingerprintOf } from '../signing/signing-key.ts'
import { failed, passed, warned, type Check } from './check.ts'

const DAY_MS = 86_400_000
/** Whoever signs must find the time for it, and devices must have heard of it before. */
const WARN_BEFORE_MS = 30 * DAY_MS

/** Whether devices go on believing what the server says at the edge. Of an app without an edge there is nothing to say. */
export async function checkEdge(
  programName: string,
  { api, app }: { api: Pick<ManagementClient, 'getEdge'>; app: Pick<App, 'id' | 'slug'> },
): Promise<Check[]> {
  const check = judgeEdgeKey(await api.getEdge(app.id), Date.now(), `${programName} edge enable --app ${app.slug}`)
  return check ? [check] : []
}

/** @param fix the command that has the publisher sign for the server's key anew */
export function judgeEdgeKey({ keyDocument, serverKeys }: EdgeOfApp, now: number, fix: string): Check | undefined {
  const id = 'edge-key'
  if (!keyDocument || keyDocument.keys.length === 0) return undefined
  const own = keyDocument.keys.filter(({ publicKey }) => serverKeys.some((key) => key.publicKey === publicKey))
  const [last] = own.toSorted((a, b) => Date.parse(b.notAfter) - Date.parse(a.notAfter))
  if (!last) {
    const found = 'The server has none of the keys that its edge was signed for'
    return failed(id, `${found}: it can say nothing there any more, and devices ask the server.`, fix)
  }
  const key = `The key ${fingerprintOf(last.publicKey)} of the edge`
  const leftMs = Date.parse(last.notAfter) - now
  if (leftMs <= 0) return failed(id, `${key} was good until ${last.notAfter}: devices ask the server instead.`, fix)
  const days = Math.floor(leftMs / DAY_MS)
  const until = `${key} is good until ${last.notAfter}`
  if (leftMs > WARN_BEFORE_MS) return passed(id, `${until}, for ${days} days.`)
  const left = days === 0 ? 'less than a day' : days === 1 ? 'a day' : `${days} days`
  return warned(id, `${until}, which is in ${left}; then devices ask the server instead.`, fix)
}
