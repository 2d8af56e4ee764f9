import { createHmac, randomBytes } from 'node:crypto'
import { DAY_MS } from '../../../ground/clock.ts'
import { webhookOwner } from '../../../ground/secrets/seal-database.ts'
import type { SecretBox } from '../../../ground/secrets/secret-box.ts'

const PREFIX = 'whsec_'
const SECRET_BYTES = 32
/** Rotated more often than this within a day, the oldest ones end sooner. */
const MAX_SECRETS = 4
const ROTATION_MS = DAY_MS

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

/** As they stand in the webhook's row: encrypted. */
export function sealSecrets(box: SecretBox, webhookId: string, secrets: readonly WebhookSecret[]): Promise<string> {
  return box.seal(webhookOwner(webhookId), JSON.stringify(secrets))
}

export async function openSecrets(box: SecretBox, webhook: { id: string; secrets: string }): Promise<WebhookSecret[]> {
  return JSON.parse(await box.open(webhookOwner(webhook.id), webhook.secrets)) as WebhookSecret[]
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
