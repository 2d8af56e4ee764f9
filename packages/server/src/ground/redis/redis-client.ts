import { SECOND_MS } from '../clock.ts'
import type { RedisConfig } from './redis-config.ts'

const CONNECT_MS = 5 * SECOND_MS
/** More than are ever sent without an answer. */
const MAX_COMMANDS = 1_000

export type MakeRedisClient = Awaited<ReturnType<typeof loadRedisClient>>
export type RedisClient = ReturnType<MakeRedisClient>

/**
 * Loads Redis's own client, here and nowhere else: a server without Redis neither waits for it nor has it in memory. Its
 * third protocol tells and hears on one connection.
 * @returns a client for each attempt, to one address after the other
 */
export async function loadRedisClient({ addresses, isTls, username, password }: RedisConfig) {
  const { createClient } = await import('@redis/client')
  return (attempt: number) => {
    const { host, port } = addresses[attempt % addresses.length] ?? { host: '', port: 0 }
    const address = { host, port, connectTimeout: CONNECT_MS, reconnectStrategy: false as const }
    return createClient({
      socket: isTls ? { ...address, tls: true } : address,
      ...(username !== null && { username }),
      ...(password !== null && { password }),
      RESP: 3,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_COMMANDS,
      // Whoever may only publish and subscribe may not tell who they are, nor ask what is being maintained.
      disableClientInfo: true,
      maintNotifications: 'disabled',
    })
  }
}
