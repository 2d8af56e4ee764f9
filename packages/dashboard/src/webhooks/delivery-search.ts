import { readOneOf } from '../ground/search.ts'

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const

export interface DeliverySearch {
  state?: (typeof DELIVERY_STATES)[number]
}

export function readDeliverySearch(search: Record<string, unknown>): DeliverySearch {
  const state = readOneOf(search, 'state', DELIVERY_STATES)
  return state === undefined ? {} : { state }
}
