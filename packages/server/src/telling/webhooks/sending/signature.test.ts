import { describe, expect, test } from 'vitest'
import { newWebhookSecret, rotateSecrets, signedHeaders } from './signature.ts'

const HOUR = 60 * 60 * 1000

describe('signatures', () => {
  test('are those that the library of Standard Webhooks makes', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const message = { messageId: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}', now: 1_614_265_330_999 }
    expect(signedHeaders([{ secret, expiresAt: null }], message)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  test('are made with secrets of 32 random bytes', () => {
    const { secret } = newWebhookSecret()
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    expect(newWebhookSecret().secret).not.toBe(secret)
  })
})

describe('a rotation', () => {
  const first = newWebhookSecret()

  test('keeps the old secret for a day', () => {
    const secrets = rotateSecrets([first], 1000)
    expect(secrets).toEqual([
      { secret: expect.any(String), expiresAt: null },
      { ...first, expiresAt: 1000 + 24 * HOUR },
    ])
    const signaturesAt = (now: number) =>
      signedHeaders(secrets, { messageId: 'm', body: '', now })['webhook-signature']?.split(' ')
    expect(signaturesAt(24 * HOUR)).toHaveLength(2)
    expect(signaturesAt(1000 + 24 * HOUR)).toHaveLength(1)
  })

  test('does not lengthen the life of one that is old already, and leaves few', () => {
    let secrets = rotateSecrets([first], 0)
    secrets = rotateSecrets(secrets, HOUR)
    expect(secrets.map(({ expiresAt }) => expiresAt)).toEqual([null, 25 * HOUR, 24 * HOUR])
    for (let again = 0; again < 5; again++) secrets = rotateSecrets(secrets, 2 * HOUR)
    expect(secrets).toHaveLength(4)
    expect(rotateSecrets([first], 0).map(({ secret }) => secret)).toContain(first.secret)
    expect(rotateSecrets(rotateSecrets([first], 0), 24 * HOUR).map(({ secret }) => secret)).not.toContain(first.secret)
  })
})
