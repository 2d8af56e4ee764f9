/** Kits §8.1: the coordinator's own folder in the root of an installation, and what is in it. */
export const KIT_FOLDER = '.kit'
export const LOCK_FOLDER = '.kit/lock'
/** A file for each hook that runs, by its id: whoever comes after a coordinator that was killed finds it. */
export const HOOKS_FOLDER = '.kit/hooks'
/** The id of the apply that is open; absent when none is. */
export const CURRENT_FILE = '.kit/current'
export const ARTIFACTS_FOLDER = '.kit/artifacts'
export const TRANSACTIONS_FOLDER = '.kit/transactions'
/** Unpacked components, and the only place that links may lead to, beside the coordinator's own versions. */
export const VERSIONS_FOLDER = '.kit/versions'
export const COORDINATOR_FOLDER = '.kit/coordinator'

export const artifactPathOf = (sha256: string) => `${ARTIFACTS_FOLDER}/${sha256}`

export const transactionPathOf = (transaction: string) => `${TRANSACTIONS_FOLDER}/${transaction}`

export const workPathOf = (transaction: string, component: string) =>
  `${transactionPathOf(transaction)}/work/${component}`
