import { Readable } from 'node:stream'
import { proxiedFetch } from '../config/proxy.ts'
import { writeMeasured, type MeasuredFile } from '../content/archive/write-measured.ts'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'

/**
 * Bytes of the server's into a file: as devices have them of this very server, wherever that leads to, and never more than
 * was announced.
 * @param refusal of a sentence that says what is wrong
 */
export async function fetchArtifact(
  { context, url }: Pick<Session, 'context' | 'url'>,
  { sha256, sizeBytes }: { sha256: string; sizeBytes: number },
  path: string,
  refusal: (detail: string, options?: ErrorOptions) => CommandError,
): Promise<MeasuredFile> {
  const address = `${url.replace(/\/+$/, '')}/artifacts/${sha256}`
  const fetched = await fetchInto()
  if (fetched.sha256 === sha256) return fetched
  throw refusal(`Expected bytes with the SHA-256 ${sha256} at ${address}, found ${fetched.sha256}.`)

  async function fetchInto(): Promise<MeasuredFile> {
    try {
      const response = await proxiedFetch(context.env, address)(address, { signal: context.signal })
      if (!response.ok || !response.body) throw new Error(`it answers ${response.status}`)
      const body = Readable.from(atMost(response.body as AsyncIterable<Uint8Array>, sizeBytes))
      return await writeMeasured(body, path, context.signal)
    } catch (cause) {
      if (cause instanceof CommandError) throw cause
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw refusal(`${address} cannot be fetched: ${reason}.`, { cause })
    }
  }
}

async function* atMost(body: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let count = 0
  for await (const bytes of body) {
    count += bytes.length
    if (count > sizeBytes) throw new Error(`it has more than ${sizeBytes} bytes`)
    yield bytes
  }
}
