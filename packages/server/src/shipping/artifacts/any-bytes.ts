/** Nothing is known of them, or the same ones mean different things. */
export const ANY_BYTES = 'application/octet-stream'
