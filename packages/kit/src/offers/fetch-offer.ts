import {
  AnswerTooLongError,
  backOff,
  exchangeSmall,
  isAllowedAddress,
  joinAddress,
  mayLeadTo,
  messageOf,
  resolveLocation,
  sleep,
  type AllowInsecure,
  type ClockPort,
  type HttpPort,
  type SmallAnswer,
  type Stopped,
} from '@hotpatch/device-ground'
import { MAX_KIT_MANIFEST_BYTES, textFromUtf8 } from '@hotpatch/protocol'
import { refuse, type Refused } from './judge-manifest.ts'
import { OFFER_LIMITS, type OfferLimits } from './offer-limits.ts'
import { minisignOf, readSignatureHeader, signaturesOf, type OfferSignature } from './offer-signatures.ts'
import type { SignedBytes } from './read-offer.ts'

/** What a check tells of whoever asks (Kits §6.1). */
export interface OfferQuestion {
  source: { url: string; appKey?: string | undefined }
  channel: string
  /** Undefined: nobody in particular asks, gets what is in force for everyone, and tells nothing of itself. */
  installId: string | undefined
  installerVersion: string | undefined
  platform: string | undefined
  architecture: string | undefined
  /** Of what is installed. */
  releaseId: string | undefined
  /** The highest that was committed; undefined: that is not known. */
  sequence: number | undefined
  floor: number
  /** People want what did not work here to be tried again. */
  triesAgain?: boolean
}

export type OfferAnswer =
  | ({ kind: 'offered'; rolloutId: string | undefined; reason: string | undefined } & SignedBytes)
  /** Nothing for this machine: the server's word for why, and its sentence for people. */
  | { kind: 'nothing'; reason: string; message: string }
  | { kind: 'unreachable'; message: string }
  | Refused

export interface OfferPorts {
  http: Pick<HttpPort, 'open'>
  clock: ClockPort
  allowInsecure: AllowInsecure
  stopped?: Stopped
  limits?: OfferLimits
  /** False where nobody could verify what minisign has signed: then it is not asked for. */
  takesMinisign?: boolean
}

const CHANNEL = /^[a-z0-9][a-z0-9._-]{0,63}$/
const REASON = /^[a-z][a-z0-9-]{0,63}$/
const MAX_MESSAGE_LENGTH = 500
/** 16 signatures, with room for what later versions say of them. */
const MAX_SIGNATURES_BYTES = 256 * 1024

/** Nobody answered as it must be: what is said of it. */
class NoAnswerError extends Error {
  override name = 'NoAnswerError'
  readonly answer: Extract<OfferAnswer, { kind: 'unreachable' | 'refused' }>
  constructor(answer: Extract<OfferAnswer, { kind: 'unreachable' | 'refused' }>) {
    super(answer.message)
    this.answer = answer
  }
}

/** Kits §6: asks what this machine is to run. Whatever comes of it is a value: nothing here rejects. */
export async function fetchOffer(question: OfferQuestion, ports: OfferPorts): Promise<OfferAnswer> {
  try {
    return await fetchOrThrow(question, ports)
  } catch (error) {
    if (error instanceof NoAnswerError) return error.answer
    throw error
  }
}

async function fetchOrThrow(question: OfferQuestion, ports: OfferPorts): Promise<OfferAnswer> {
  const url = offerUrl(question)
  const answer = await ask({ url, headers: headersOf(question), maxBytes: MAX_KIT_MANIFEST_BYTES }, ports)
  if (answer.status === 404) return nothingFor(answer, url)
  if (answer.status !== 200) throw failed(`${shown(url)} answered ${answer.status}`)
  const inHeader = readSignatureHeader(answer.headers['kit-signature'])
  // Of plain files, and of pages that may not see the header, the signatures are beside.
  const signatures = inHeader.length > 0 ? inHeader : await fetchSignatures(url, ports)
  return {
    kind: 'offered',
    bytes: answer.body,
    signatures,
    rolloutId: word(answer.headers['kit-rollout']),
    reason: word(answer.headers['kit-reason']),
  }
}

function offerUrl({ source, channel }: OfferQuestion): string {
  if (!CHANNEL.test(channel)) throw failed(`expected a channel, such as stable, found ${JSON.stringify(channel)}`)
  const url = joinAddress(source.url, `/personal-kit/${channel}/latest.json`)
  if (url === undefined) throw failed('expected the address of a server without a query ("source.url" of kit.json)')
  return url
}

function headersOf(question: OfferQuestion): Record<string, string> {
  const { source, installId, sequence, floor } = question
  const headers: Record<string, string | undefined> = {
    accept: 'application/json',
    'x-app-key': source.appKey,
    // Whoever says nothing of itself is asked for nothing by a browser, either.
    ...(installId !== undefined && {
      'x-install-id': installId,
      'x-installer-version': question.installerVersion,
      'x-kit-platform': question.platform,
      'x-kit-architecture': question.architecture,
      'x-kit-release': question.releaseId,
      'x-kit-sequence': sequence === undefined ? undefined : String(sequence),
      'x-kit-floor': floor > 0 ? String(floor) : undefined,
      'x-kit-again': question.triesAgain ? '1' : undefined,
    }),
  }
  return Object.fromEntries(Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined))
}

interface Asked {
  url: string
  headers: Record<string, string>
  maxBytes: number
}

/** Again only where that can help: not when the server has decided, and not when it asks for patience. */
async function ask(asked: Asked, ports: OfferPorts): Promise<SmallAnswer> {
  const { clock, stopped, limits = OFFER_LIMITS } = ports
  for (let attempt = 0; ; attempt += 1) {
    const isLast = attempt + 1 >= limits.attempts
    try {
      const answer = await follow(asked, ports)
      if (isLast || answer.status < 500 || answer.status === 503) return answer
    } catch (cause) {
      if (cause instanceof NoAnswerError) throw cause
      if (cause instanceof AnswerTooLongError) throw failed(`${shown(asked.url)}: ${cause.message}`)
      if (isLast || stopped?.isStopped()) throw unreachable(asked.url, cause)
    }
    await sleep(clock, backOff(clock, attempt, limits), stopped)
  }
}

async function follow({ url: first, headers, maxBytes }: Asked, ports: OfferPorts): Promise<SmallAnswer> {
  const { http, clock, allowInsecure, stopped, limits = OFFER_LIMITS } = ports
  const bounds = { maxBytes, timeoutMs: limits.requestTimeoutMs, ...(stopped && { stopped }) }
  if (!isAllowedAddress(first, allowInsecure)) throw failed(`expected an address with https:, found ${shown(first)}`)
  let url = first
  for (let redirects = 0; redirects <= limits.redirects; redirects += 1) {
    const told = originOf(url) === originOf(first) ? headers : PUBLIC_HEADERS
    const answer = await exchangeSmall({ http, clock }, { method: 'GET', url, headers: told }, bounds)
    if (answer.status < 300 || answer.status >= 400) return answer
    const location = resolveLocation(url, answer.headers.location)
    if (location === undefined) throw failed(`${shown(url)} answered ${answer.status}, and leads nowhere`)
    if (!mayLeadTo(url, location, allowInsecure)) {
      throw failed(`${shown(url)} leads to ${shown(location)}, expected an address with https:`)
    }
    url = location
  }
  throw failed(`${shown(first)} leads from one address to the next, more than ${limits.redirects} times`)
}

/** To another host nothing goes that is this machine's. */
const PUBLIC_HEADERS = { accept: 'application/json' }

function originOf(url: string): string {
  return /^https?:\/\/[^/?#]+/i.exec(url)?.[0].toLowerCase() ?? url
}

async function fetchSignatures(url: string, ports: OfferPorts): Promise<OfferSignature[]> {
  const beside = (name: string) =>
    ask({ url: `${url}${name}`, headers: PUBLIC_HEADERS, maxBytes: MAX_SIGNATURES_BYTES }, ports)
  const ours = await beside('.sig')
  const signatures = ours.status === 200 ? signaturesOf(ours.body) : []
  if (ports.takesMinisign === false) return signatures
  const minisign = await beside('.minisig')
  return minisign.status === 200 ? [...signatures, minisignOf(minisign.body)] : signatures
}

/** A server that has nothing says why; a 404 that does not is of something else at that address. */
function nothingFor({ body }: SmallAnswer, url: string): OfferAnswer {
  const { code, message } = jsonOf(body)
  const isWord = typeof code === 'string' && REASON.test(code)
  const said = typeof message === 'string' ? message.slice(0, MAX_MESSAGE_LENGTH) : ''
  if (isWord && !code.endsWith('-not-found')) return { kind: 'nothing', reason: code, message: said }
  const found = isWord ? `found "${code}"${said === '' ? '' : `: ${said}`}` : 'found a page without one'
  throw failed(
    `expected a kit at ${shown(url)}, or the reason why there is none, ${found}. Is "source.url" of kit.json the address of the server, and the channel one of its channels?`,
  )
}

function jsonOf(body: Uint8Array): { code?: unknown; message?: unknown } {
  try {
    const value = JSON.parse(textFromUtf8(body) ?? '') as unknown
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    // A page for people, such as a proxy's.
    return {}
  }
}

function word(header: string | undefined): string | undefined {
  return header !== undefined && /^[\w.:-]{1,100}$/.test(header) ? header : undefined
}

function shown(url: string): string {
  return url.slice(0, 200)
}

function unreachable(url: string, cause: unknown): NoAnswerError {
  const message = `${shown(url)}: the server was not reached: ${messageOf(cause)}`
  return new NoAnswerError({ kind: 'unreachable', message })
}

function failed(message: string): NoAnswerError {
  return new NoAnswerError(refuse('check-failed', message))
}
