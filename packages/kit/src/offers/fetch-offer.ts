import {
  AnswerTooLongError,
  backOff,
  exchangeSmall,
  isAllowedAddress,
  joinAddress,
  messageOf,
  resolveLocation,
  sleep,
  type AllowInsecure,
  type ClockPort,
  type HttpPort,
  type SmallAnswer,
  type Stopped,
} from '@hotpatch/device-ground'
import { MAX_KIT_MANIFEST_BYTES, textFromUtf8, UnexpectedJsonError } from '@hotpatch/protocol'
import { base64FromBytes } from '../ground/base64.ts'
import { KitError } from '../ground/kit-error.ts'
import type { InstallationSource } from '../installation/installation.ts'
import type { SignedBytes } from './judge-offer.ts'
import { OFFER_LIMITS, type OfferLimits } from './offer-limits.ts'
import { readSignatureFile, readSignatureHeader, type OfferSignature } from './offer-signatures.ts'
import type { KitTrust } from './trust-state.ts'

/** What a check tells of this machine (Kits §6). */
export interface OfferQuestion {
  source: InstallationSource
  channel: string
  /** Undefined: nobody in particular asks, and gets what is in force for everyone. */
  installId: string | undefined
  installerVersion: string
  platform: string
  architecture: string
  /** Of what is installed. */
  releaseId: string | undefined
  trust: KitTrust
}

export type OfferAnswer =
  | ({ kind: 'offered'; rolloutId: string | undefined; reason: string | undefined } & SignedBytes)
  /** Nothing for this machine: the server's word for why, and its sentence for people. */
  | { kind: 'nothing'; reason: string; message: string }

export interface OfferPorts {
  http: Pick<HttpPort, 'open'>
  clock: ClockPort
  allowInsecure: AllowInsecure
  stopped?: Stopped
  limits?: OfferLimits
}

const CHANNEL = /^[a-z0-9][a-z0-9._-]{0,63}$/
const MAX_WORD_LENGTH = 100
const MAX_MESSAGE_LENGTH = 500

/**
 * Kits §6: asks what this machine is to run.
 * @throws KitError check-failed, when nobody answers as it must be
 */
export async function fetchOffer(question: OfferQuestion, ports: OfferPorts): Promise<OfferAnswer> {
  const url = offerUrl(question)
  const answer = await ask(url, headersOf(question), ports)
  if (answer.status === 404) return nothingFor(answer, url)
  if (answer.status !== 200) throw failed(`${url} answered ${answer.status}`)
  const inHeader = readSignatureHeader(answer.headers['kit-signature'])
  // Servers that only keep files have the signatures beside.
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
  if (url === undefined) throw failed('expected an address in "source.url" of kit.json, without a query')
  return url
}

function headersOf(question: OfferQuestion): Record<string, string> {
  const { source, installId, installerVersion, platform, architecture, releaseId, trust } = question
  return {
    accept: 'application/json',
    'accept-encoding': 'identity',
    ...(source.appKey !== undefined && { 'x-app-key': source.appKey }),
    ...(installId !== undefined && { 'x-install-id': installId }),
    'x-installer-version': installerVersion,
    'x-kit-platform': platform,
    'x-kit-architecture': architecture,
    ...(releaseId !== undefined && { 'x-kit-release': releaseId }),
    'x-kit-sequence': String(trust.sequence),
    'x-kit-floor': String(trust.floor),
  }
}

/** Again only where that can help: not when the server has decided, and not when it asks for patience. */
async function ask(url: string, headers: Record<string, string>, ports: OfferPorts): Promise<SmallAnswer> {
  const { clock, stopped, limits = OFFER_LIMITS } = ports
  for (let attempt = 0; ; attempt += 1) {
    const isLast = attempt + 1 >= limits.attempts
    try {
      const answer = await follow(url, headers, ports)
      if (isLast || answer.status < 500 || answer.status === 503) return answer
    } catch (cause) {
      const isFinal = cause instanceof KitError || cause instanceof AnswerTooLongError
      if (isFinal || isLast || stopped?.isStopped()) throw asFailed(cause, url)
    }
    await sleep(clock, backOff(clock, attempt, limits), stopped)
  }
}

async function follow(first: string, headers: Record<string, string>, ports: OfferPorts): Promise<SmallAnswer> {
  const { http, clock, allowInsecure, stopped, limits = OFFER_LIMITS } = ports
  const bounds = {
    maxBytes: MAX_KIT_MANIFEST_BYTES,
    timeoutMs: limits.requestTimeoutMs,
    ...(stopped && { stopped }),
  }
  let url = first
  for (let redirects = 0; redirects <= limits.redirects; redirects += 1) {
    if (!isAllowedAddress(url, allowInsecure)) throw failed(`expected an address with https:, found ${shown(url)}`)
    const told = originOf(url) === originOf(first) ? headers : PUBLIC_HEADERS
    const answer = await exchangeSmall({ http, clock }, { method: 'GET', url, headers: told }, bounds)
    if (answer.status < 300 || answer.status >= 400) return answer
    const location = resolveLocation(url, answer.headers.location)
    if (location === undefined) throw failed(`${shown(url)} answered ${answer.status}, and leads nowhere`)
    url = location
  }
  throw failed(`${shown(first)} leads from one address to the next, more than ${limits.redirects} times`)
}

/** To another host nothing goes that is this machine's. */
const PUBLIC_HEADERS = { accept: 'application/json', 'accept-encoding': 'identity' }

function originOf(url: string): string {
  return /^https?:\/\/[^/?#]+/i.exec(url)?.[0].toLowerCase() ?? url
}

async function fetchSignatures(url: string, ports: OfferPorts): Promise<OfferSignature[]> {
  const ours = await ask(`${url}.sig`, PUBLIC_HEADERS, ports)
  const minisign = await ask(`${url}.minisig`, PUBLIC_HEADERS, ports)
  return [
    ...(ours.status === 200 ? signaturesOf(ours.body) : []),
    ...(minisign.status === 200 ? [minisignOf(minisign.body)] : []),
  ]
}

/** Of a file `latest.json.sig`: one that cannot be read signs nothing. */
export function signaturesOf(bytes: Uint8Array): OfferSignature[] {
  try {
    return readSignatureFile(textFromUtf8(bytes) ?? '')
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return []
    throw error
  }
}

/** Of a file `latest.json.minisig`. */
export function minisignOf(bytes: Uint8Array): OfferSignature {
  return { scheme: 'minisign', keyId: undefined, value: base64FromBytes(bytes) }
}

/** A 404 of anybody else says that no server for kits is there. */
function nothingFor({ body }: SmallAnswer, url: string): OfferAnswer {
  const { code, message } = jsonOf(body)
  if (typeof code !== 'string' || code.length > MAX_WORD_LENGTH) {
    throw failed(`nothing is at ${shown(url)}: is "source.url" of kit.json the address of the server?`)
  }
  return {
    kind: 'nothing',
    reason: code,
    message: typeof message === 'string' ? message.slice(0, MAX_MESSAGE_LENGTH) : '',
  }
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

function asFailed(cause: unknown, url: string): KitError {
  if (cause instanceof KitError) return cause
  const reason = cause instanceof AnswerTooLongError ? cause.message : `the server was not reached: ${messageOf(cause)}`
  return new KitError('check-failed', `${shown(url)}: ${reason}`, { cause })
}

function failed(message: string): KitError {
  return new KitError('check-failed', message)
}
