/** Kits §6: bounds of a check. */
export interface OfferLimits {
  requestTimeoutMs: number
  attempts: number
  backOffMs: number
  backOffMaxMs: number
  redirects: number
}

export const OFFER_LIMITS: OfferLimits = {
  requestTimeoutMs: 30_000,
  attempts: 3,
  backOffMs: 1_000,
  backOffMaxMs: 10_000,
  redirects: 5,
}
