import { serverKey } from '../ground/queries.ts'

/** Everything about whoever is signed in. */
export const accountKey = (...rest: readonly unknown[]) => serverKey('account', ...rest)
