/** Figures of devices come without an announcement: so often they are read while somebody looks. */
export const LIVE_MS = 10_000
