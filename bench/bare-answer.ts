/** What the bare server gives, whatever it is asked. */
export interface BareAnswer {
  headers: Record<string, string>
  body: string
}

/** Those that node:http itself adds to every answer. */
const OWN_HEADERS = ['connection', 'date', 'keep-alive']

/** The answer of a real server, for a bare one to repeat. */
export async function recordAnswer(url: string, init: RequestInit): Promise<BareAnswer> {
  const response = await fetch(url, init)
  const body = await response.text()
  if (response.status !== 200) throw new Error(`Expected an answer to repeat, received ${response.status}: ${body}`)
  const headers = [...response.headers].filter(([name]) => !OWN_HEADERS.includes(name))
  return { headers: Object.fromEntries(headers), body }
}
