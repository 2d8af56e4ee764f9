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

/** Of an application, which has its own to do: it asks once, and follows nobody. */
export const APPLICATION_LIMITS: OfferLimits = { ...OFFER_LIMITS, attempts: 1, redirects: 0 }
