import { serverKey } from '../ground/queries.ts'

/** What is known of all webhooks, of one, and of what it was sent. */
export const webhooksKey = serverKey('webhooks')
export const webhookKey = (id: string) => serverKey('webhooks', id)
export const deliveriesKey = (id: string) => serverKey('webhooks', id, 'deliveries')
