/**
 * Decision §13: an answer that its publisher has signed to the last byte, for clients that take no other. It says its
 * time, and such a client takes only what is later than what it has.
 */
export interface SignedAnswer {
  /** As its clients call the key. */
  keyId: string
  /** In milliseconds since 1970. */
  at: number
  /** Of an update: the one that it says, and clients of no other take it. */
  runtimeVersion?: string
}

/** What a client takes answers by. */
interface AnswerTaker {
  /** The latest time of what it has; undefined: of nothing that is known. */
  heldAt?: number | undefined
  runtimeVersion?: string | undefined
}

/**
 * The earliest that the device takes, so that later ones are left for when it has to go back.
 */
export function pickAnswer<Answer extends SignedAnswer>(
  answers: readonly Answer[] | undefined,
  keyId: string,
  { heldAt, runtimeVersion }: AnswerTaker,
): Answer | undefined {
  let picked: Answer | undefined
  for (const answer of answers ?? []) {
    const isItsOwn = answer.runtimeVersion === undefined || answer.runtimeVersion === runtimeVersion
    const isTaken = isItsOwn && answer.keyId === keyId && (heldAt === undefined || answer.at > heldAt)
    if (isTaken && (!picked || answer.at < picked.at)) picked = answer
  }
  return picked
}
