import { createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'whsec_'
const SECRET_BYTES = 32
/** Rotated more often than this within a day, the oldest ones end sooner. */
const MAX_SECRETS = 4
const ROTATION_MS = 24 * 60 * 60 * 1000

/** A secret that signs; one that was rotated out does so until it expires, in milliseconds since 1970. */
export interface WebhookSecret {
  secret: string
  expiresAt: number | null
}

export function newWebhookSecret(): WebhookSecret {
  return { secret: PREFIX + randomBytes(SECRET_BYTES).toString('base64'), expiresAt: null }
}

/** The new one first. */
export function rotateSecrets(secrets: readonly WebhookSecret[], now: number): WebhookSecret[] {
  const old = workingSecrets(secrets, now).map(({ secret, expiresAt }) => ({
    secret,
    expiresAt: expiresAt ?? now + ROTATION_MS,
  }))
  return [newWebhookSecret(), ...old].slice(0, MAX_SECRETS)
}

export function readSecrets(text: string): WebhookSecret[] {
  return JSON.parse(text) as WebhookSecret[]
}

/** The headers of Standard Webhooks, with a signature by each secret that works. */
export function signedHeaders(
  secrets: readonly WebhookSecret[],
  { messageId, body, now }: { messageId: string; body: string; now: number },
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000))
  const signatures = workingSecrets(secrets, now).map(({ secret }) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${messageId}.${timestamp}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}

function workingSecrets(secrets: readonly WebhookSecret[], now: number): readonly WebhookSecret[] {
  return secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
}
