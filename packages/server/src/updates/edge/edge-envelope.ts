import { writeEdgeEnvelope } from '@hotpatch/protocol'

/** Static edge §2: a text and its signature in base64, as devices are given them. */
export function envelopeOf({ text, signature }: { text: string; signature: string }): string {
  return writeEdgeEnvelope({ payload: Buffer.from(text).toString('base64'), signatures: [signature] })
}
