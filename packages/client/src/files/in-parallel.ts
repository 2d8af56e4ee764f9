/**
 * Runs `work` on every item, at most `count` at a time. After a failure nothing more is begun; it rejects with the first
 * one, once everything that was begun is over.
 */
export async function inParallel<T>(
  items: readonly T[],
  count: number,
  work: (item: T, isStopped: () => boolean) => Promise<void>,
): Promise<void> {
  let next = 0
  const failures: unknown[] = []
  const isStopped = () => failures.length > 0
  const takeTurns = async () => {
    for (let item = items[next]; item !== undefined && !isStopped(); item = items[next]) {
      next += 1
      try {
        await work(item, isStopped)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: count }, takeTurns))
  if (isStopped()) throw failures[0]
}
