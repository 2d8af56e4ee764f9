/**
 * Works off what stands in the database, batch after batch, one at a time: whoever adds to it wakes it, and a start does.
 * What fails is tried again with the next call.
 */
export function createWorkOff({
  workOnBatch,
  onFailure,
}: {
  /** False when nothing is left. */
  workOnBatch: () => Promise<boolean>
  onFailure: (error: unknown) => void
}) {
  let working: Promise<void> | undefined
  let isAskedAgain = false
  let isStopped = false

  /** There may be something to do. */
  function wake(): void {
    isAskedAgain = true
    if (isStopped) return
    working ??= work().finally(() => {
      working = undefined
      if (isAskedAgain) wake()
    })
  }

  async function work(): Promise<void> {
    isAskedAgain = false
    try {
      for (let isLeft = true; isLeft;) isLeft = !isStopped && (await workOnBatch())
    } catch (error) {
      isAskedAgain = false
      if (!isStopped) onFailure(error)
    }
  }

  /** @param abort ends what is under way, in the middle of it: the next start goes on */
  async function stop(abort: () => Promise<void>): Promise<void> {
    isStopped = true
    await abort()
    await working
  }

  return { wake, stop, isStopped: () => isStopped }
}
