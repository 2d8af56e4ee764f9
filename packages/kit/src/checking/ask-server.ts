import {
  AnswerTooLongError,
  exchangeSmall,
  joinAddress,
  messageOf,
  type ClockPort,
  type HttpPort,
  type SmallAnswer,
  type Stopped,
} from '@hotpatch/device-ground'
import { MAX_KIT_MANIFEST_BYTES, textFromUtf8, UnexpectedJsonError, type InstalledKit } from '@hotpatch/protocol'
import type { KitCode } from '../ground/kit-error.ts'
import { readSignatureFile, readSignatureHeader, type OfferSignature } from '../offers/offer-signatures.ts'

export interface AskedServer {
  /** The server's own address, without a path of a channel. */
  url: string
  appKey: string | undefined
}

/** Who asks: without an install id nobody in particular, for whom there is what is in force for everyone. */
export interface AskingInstallation {
  installId: string | undefined
  installerVersion: string | undefined
  platform: string | undefined
  architecture: string | undefined
}

export interface CheckRequest {
  server: AskedServer
  channel: string
  installed: InstalledKit
  floor: number
  installation: AskingInstallation
  timeoutMs: number
  stopped: Stopped | undefined
}

export type ServerAnswer =
  | { kind: 'offered'; bytes: Uint8Array; signatures: readonly OfferSignature[] }
  /** There is none for whoever asked; the reason is the server's word. */
  | { kind: 'nothing'; reason: string }
  | { kind: 'unreachable'; message: string }
  | { kind: 'refused'; code: KitCode; message: string }

/** A file of 16 signatures, with room for what later versions say of them. */
const MAX_SIGNATURES_BYTES = 256 * 1024

/** Kits §6: one question. Whatever comes of it is a value: nothing here rejects. */
export async function askServer(
  ports: { http: Pick<HttpPort, 'open'>; clock: ClockPort },
  request: CheckRequest,
): Promise<ServerAnswer> {
  const url = joinAddress(request.server.url, `/personal-kit/${request.channel}/latest.json`)
  if (url === undefined) return refuse('installation-invalid', 'expected the address of a server without a query')
  const answer = await exchange(ports, url, request, MAX_KIT_MANIFEST_BYTES)
  if ('kind' in answer) return answer
  const { status, headers, body } = answer
  if (status === 404) return readNothing(body)
  if (status !== 200) return refuse('check-failed', `expected the status 200, found ${status}`)
  const told = readSignatureHeader(headers['kit-signature'])
  if (told.length > 0) return { kind: 'offered', bytes: body, signatures: told }
  // Of plain files, and of pages that may not see the header.
  return askForSignatures(ports, `${url}.sig`, request, body)
}

async function askForSignatures(
  ports: { http: Pick<HttpPort, 'open'>; clock: ClockPort },
  url: string,
  request: CheckRequest,
  bytes: Uint8Array,
): Promise<ServerAnswer> {
  const answer = await exchange(ports, url, request, MAX_SIGNATURES_BYTES)
  if ('kind' in answer) return answer
  if (answer.status === 404) return { kind: 'offered', bytes, signatures: [] }
  if (answer.status !== 200) return refuse('check-failed', `expected the status 200, found ${answer.status}`)
  try {
    return { kind: 'offered', bytes, signatures: readSignatureFile(textFromUtf8(answer.body) ?? '') }
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return refuse('signature-invalid', error.message)
    throw error
  }
}

async function exchange(
  ports: { http: Pick<HttpPort, 'open'>; clock: ClockPort },
  url: string,
  request: CheckRequest,
  maxBytes: number,
): Promise<SmallAnswer | Exclude<ServerAnswer, { kind: 'offered' | 'nothing' }>> {
  const { timeoutMs, stopped } = request
  try {
    const bounds = { maxBytes, timeoutMs, ...(stopped && { stopped }) }
    return await exchangeSmall(ports, { method: 'GET', url, headers: headersOf(request) }, bounds)
  } catch (error) {
    if (error instanceof AnswerTooLongError) return refuse('manifest-invalid', error.message)
    return { kind: 'unreachable', message: messageOf(error) }
  }
}

function headersOf({ server, installation, installed, floor }: CheckRequest): Record<string, string> {
  const { installId, installerVersion, platform, architecture } = installation
  const isKnown = installId !== undefined
  const headers: Record<string, string | undefined> = {
    accept: 'application/json',
    'x-app-key': server.appKey,
    'x-install-id': installId,
    // Whoever says nothing of itself is asked for nothing by a browser, either.
    ...(isKnown && {
      'x-installer-version': installerVersion,
      'x-kit-release': installed.releaseId,
      'x-kit-platform': platform,
      'x-kit-architecture': architecture,
      'x-kit-sequence': installed.sequence === undefined ? undefined : String(installed.sequence),
      'x-kit-floor': floor > 0 ? String(floor) : undefined,
    }),
  }
  return Object.fromEntries(Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined))
}

/** A server that has nothing says why; a 404 that does not is of something else at that address. */
function readNothing(body: Uint8Array): ServerAnswer {
  let reason: unknown
  try {
    reason = (JSON.parse(textFromUtf8(body) ?? '') as { code?: unknown } | null)?.code
  } catch {
    // A page of something else.
  }
  if (typeof reason === 'string' && REASON.test(reason) && !reason.endsWith('-not-found')) {
    return { kind: 'nothing', reason }
  }
  const found = typeof reason === 'string' && REASON.test(reason) ? `"${reason}"` : 'a page without a reason'
  return refuse('check-failed', `expected a kit or the reason why there is none, found ${found}`)
}

const REASON = /^[a-z][a-z0-9-]{0,63}$/

function refuse(code: KitCode, message: string): Extract<ServerAnswer, { kind: 'refused' }> {
  return { kind: 'refused', code, message }
}
