import { writeDictionary, type Problem } from '@hotpatch/protocol'
import type { Body } from '../../ground/http/made-body.ts'
import { jsonAnswer, type PlainAnswer } from '../../ground/http/plain-request.ts'
import type { OfferedAnswer } from '../../shipping/signed-answers/signed-answer-queries.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'

/** Expo §3. What is in a part is JSON, in which no line ends: no part can hold the boundary. */
const BOUNDARY = 'hotpatch-part'
const MULTIPART = `multipart/mixed; boundary=${BOUNDARY}`

/**
 * Expo §3: whatever has another version, or none, the client refuses.
 * @param kept Expo §12: what the client sends with every check from then on, in the place of what it sent until then
 */
function protocolHeaders(version: 0 | 1, kept: string): string[] {
  return [
    'expo-protocol-version',
    String(version),
    'expo-sfv-version',
    '0',
    // The client has a cache of its own.
    'cache-control',
    'private, max-age=0',
    'expo-server-defined-headers',
    kept,
  ]
}

export type SignedBody = Pick<OfferedAnswer, 'signature' | 'keyId' | 'chain'>

export interface Part {
  name: 'manifest' | 'directive'
  body: string
}

export function partsAnswer(body: Body, kept: string): PlainAnswer {
  return { status: 200, headers: ['content-type', MULTIPART, ...protocolHeaders(1, kept)], body }
}

/** Expo §3: iOS wants every line to end in CRLF, the last one too, and names in lower case. */
export function writeParts({ name, body }: Part, signed: SignedBody | undefined): string {
  const signature = signed ? `expo-signature: ${signatureHeader(signed)}\r\n` : ''
  const first = partOf(name, 'application/json; charset=utf-8', signature, body)
  const chain = signed?.chain ? partOf('certificate_chain', 'application/x-pem-file', '', signed.chain.trim()) : ''
  return `${first}${chain}--${BOUNDARY}--\r\n`
}

function partOf(name: string, contentType: string, more: string, body: string): string {
  const head = `content-disposition: inline; name="${name}"\r\ncontent-type: ${contentType}\r\n${more}`
  return `--${BOUNDARY}\r\n${head}\r\n${body}\r\n`
}

/** Expo §11: every value is a text, as iOS wants it. */
function signatureHeader({ signature, keyId }: SignedBody): string {
  return writeDictionary({ sig: signature, keyid: keyId, alg: 'rsa-v1_5-sha256' })
}

/** Expo §3: a manifest is all that fits. */
export function manifestAnswer(
  manifest: Body,
  version: 0 | 1,
  signed: SignedBody | undefined,
  kept: string,
): PlainAnswer {
  const signature = signed ? ['expo-signature', signatureHeader(signed)] : []
  const own = protocolHeaders(version, kept)
  const headers = ['content-type', 'application/expo+json; charset=utf-8', ...own, ...signature]
  return { status: 200, headers, body: manifest }
}

/** Expo §3: the client keeps what it has, and no signature is asked for. */
export function nothingAnswer(kept: string): PlainAnswer {
  return { status: 204, headers: protocolHeaders(1, kept), body: '' }
}

/** Expo §9: whatever is not a success is an error to the client, which logs the text. */
export function refusal(code: string, message: string, status: number): PlainAnswer {
  return jsonAnswer(JSON.stringify({ code, message }), status)
}

export function renderProblem(known: Problem): PlainAnswer {
  const answer = refusal(known.type, known.message, known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}
