import type { HttpPort } from '@hotpatch/client'

/** Devices that do not exist, and what they say: anybody who read the app key out of a binary could send that. */
export interface StrangerOptions {
  strangers: number
  /** From so many networks: as a trusted proxy would tell them, else all come from this machine. */
  networks: number
  /** The same seed, the same ids. */
  seed: string
  /** Whether each asks for an update before it reports. */
  checks: boolean
  /** What each says became of the version; none: they only check. */
  status: string | undefined
  version: string
  app: { id: string; appKey: string }
  serverUrl: string
  channel: string
  platform: string
  nativeVersion: string
  http: HttpPort
}

export interface StrangerFigures {
  checks: number
  offered: number
  reports: number
  refused: number
}

/** Of the range for measurements, RFC 2544: no real network. */
export const MAX_STRANGER_NETWORKS = 512
const AT_ONCE = 32

export async function sendStrangers(options: StrangerOptions): Promise<StrangerFigures> {
  const { strangers, networks, seed, checks, status, version, app, channel, platform, nativeVersion, http } = options
  const serverUrl = options.serverUrl.replace(/\/+$/, '')
  const figures: StrangerFigures = { checks: 0, offered: 0, reports: 0, refused: 0 }

  async function ask(index: number, path: string, fields: object): Promise<string> {
    const deviceId = `stranger-${seed}-${index}`
    const body = { appId: app.id, deviceId, platform, channel, ...fields }
    const { status: answered, body: chunks } = await http.open({
      method: 'POST',
      url: `${serverUrl}${path}`,
      headers: {
        'x-app-key': app.appKey,
        'content-type': 'application/json',
        'x-forwarded-for': addressOf(index, networks),
      },
      body: JSON.stringify(body),
    }).response
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true })
    if (answered === 200) return text
    figures.refused += 1
    return ''
  }

  async function live(index: number): Promise<void> {
    if (checks) {
      const answer = await ask(index, '/update/check', { version: nativeVersion, nativeVersion })
      figures.checks += 1
      if (answer.includes('"updateAvailable":true')) figures.offered += 1
    }
    if (status === undefined) return
    if ((await ask(index, '/installations', { version, status })) !== '') figures.reports += 1
  }

  for (let start = 0; start < strangers; start += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, strangers - start) }, (_, offset) => start + offset)
    await Promise.all(some.map(live))
  }
  return figures
}

function addressOf(index: number, networks: number): string {
  const network = index % networks
  return `198.${18 + (network >> 8)}.${network & 255}.${1 + (Math.floor(index / networks) % 254)}`
}
