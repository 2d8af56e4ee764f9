import type { ApplyContext } from './apply-context.ts'
import { sweepRests, type Transaction } from './transaction.ts'

/** The apply has come to its end, and its journal says so: what could not be removed, the next start removes. */
export async function closeQuietly(context: ApplyContext, transaction: Transaction): Promise<void> {
  try {
    await transaction.close()
    await sweepRests(context)
  } catch {
    // See above.
  }
}
