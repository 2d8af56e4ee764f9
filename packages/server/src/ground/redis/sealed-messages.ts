import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'

/** What one process tells others. */
export interface Message {
  /** Of the process, until it ends. */
  from: string
  topic: string
  body: unknown
}

const VERSION = 1
const SENDER_BYTES = 16
const SEQUENCE_BYTES = 6
const HEAD_BYTES = 1 + SENDER_BYTES + SEQUENCE_BYTES
const TAG_BYTES = 16
const NONCE_BYTES = 12
/** What is longer is not told, and not read. */
export const MAX_MESSAGE_BYTES = 1024 * 1024
/** What was said longer ago may be a repetition by somebody who kept it; so far the clocks of servers may differ. */
export const FRESH_MS = 60_000
/** Longer than a message of whoever is forgotten could still be fresh, whatever its clock said. */
const REMEMBER_MS = 3 * FRESH_MS
/** Only who has the key is remembered: as many processes as have begun within that time. */
const MAX_SENDERS = 10_000

/** Under which servers with this key hear each other: those of another deployment have another one. */
export function channelOf(key: string): string {
  return `hotpatch:${Buffer.from(hkdfSync('sha256', key, '', 'hotpatch redis channel', 8)).toString('hex')}`
}

/**
 * Seals what this process tells, for those that have the key: others on that Redis can neither read nor invent it. Each
 * process has a key of its own, so that its sequence is nonce enough.
 */
export function createMessageWriter({ key, clock }: { key: string; clock: Clock }) {
  const sender = randomBytes(SENDER_BYTES)
  const senderKey = keyOf(key, sender)
  let sequence = 0

  /** Undefined when it is too long. */
  function write(topic: string, body: unknown): Buffer | undefined {
    const text = Buffer.from(JSON.stringify([clock.now(), topic, body]))
    if (HEAD_BYTES + text.length + TAG_BYTES > MAX_MESSAGE_BYTES) return undefined
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt8(VERSION)
    sender.copy(head, 1)
    head.writeUIntBE(++sequence, 1 + SENDER_BYTES, SEQUENCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', senderKey, nonceOf(head)).setAAD(head)
    return Buffer.concat([head, cipher.update(text), cipher.final(), cipher.getAuthTag()])
  }

  return { id: sender.toString('hex'), write }
}

/** Reads what others have sealed, each once: what is repeated, old, damaged or of nobody is refused. */
export function createMessageReader({ key, clock }: { key: string; clock: Clock }) {
  /** In the order in which they were heard last. */
  const senders = new Map<string, { key: Buffer; sequence: number; heardAt: number }>()

  /** Undefined when it is refused. */
  function read(bytes: Buffer): Message | undefined {
    if (bytes.length < HEAD_BYTES + TAG_BYTES || bytes.length > MAX_MESSAGE_BYTES) return undefined
    if (bytes.readUInt8() !== VERSION) return undefined
    const sender = bytes.subarray(1, 1 + SENDER_BYTES)
    const from = sender.toString('hex')
    const sequence = bytes.readUIntBE(1 + SENDER_BYTES, SEQUENCE_BYTES)
    const known = senders.get(from)
    if (known && sequence <= known.sequence) return undefined
    const senderKey = known?.key ?? keyOf(key, sender)
    const told = readText(open(senderKey, bytes))
    const now = clock.now()
    if (!told || Math.abs(now - told.at) > FRESH_MS) return undefined
    forgetOld(now)
    if (!known && senders.size >= MAX_SENDERS) return undefined
    senders.delete(from)
    senders.set(from, { key: senderKey, sequence, heardAt: now })
    return { from, topic: told.topic, body: told.body }
  }

  function forgetOld(now: number): void {
    for (const [from, { heardAt }] of senders) {
      if (now - heardAt <= REMEMBER_MS) return
      senders.delete(from)
    }
  }

  return { read }
}

function keyOf(key: string, sender: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, sender, 'hotpatch redis messages', 32))
}

function nonceOf(head: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(NONCE_BYTES - SEQUENCE_BYTES), head.subarray(1 + SENDER_BYTES)])
}

function open(key: Buffer, bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, HEAD_BYTES)
  const end = bytes.length - TAG_BYTES
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(head), { authTagLength: TAG_BYTES })
    .setAAD(head)
    .setAuthTag(bytes.subarray(end))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, end)), decipher.final()]).toString()
  } catch {
    // Who sealed it did not have the key, or it was changed on its way.
    return undefined
  }
}

/** Undefined when a server of another version has said it in a way that this one does not know. */
function readText(text: string | undefined): { at: number; topic: string; body: unknown } | undefined {
  const told = text === undefined ? undefined : (JSON.parse(text) as unknown)
  if (!Array.isArray(told)) return undefined
  const [at, topic, body] = told as unknown[]
  return typeof at === 'number' && typeof topic === 'string' ? { at, topic, body } : undefined
}
