const TIMEOUT_MS = 5_000

/** What the server says of itself; undefined when it does not answer, or has no such figure. */
export async function readMetric(server: { url: string }, name: string): Promise<number | undefined> {
  try {
    const response = await fetch(`${server.url}/metrics`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const line = (await response.text()).split('\n').find((each) => each.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length))
  } catch {
    return undefined // it is dead, or about to be
  }
}
