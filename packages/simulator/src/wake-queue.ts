/** A token, and the simulated time at which its turn comes. */
export interface Wake {
  at: number
  token: number
}

/**
 * What happens next in simulated time: a binary heap in typed arrays, 20 bytes for each token.
 * Of two at the same time the one that was added first comes first.
 */
export function createWakeQueue(capacity = 1024) {
  let times = new Float64Array(capacity)
  let orders = new Float64Array(capacity)
  let tokens = new Int32Array(capacity)
  let size = 0
  let added = 0

  function grow(): void {
    const larger = times.length * 2
    const [oldTimes, oldOrders, oldTokens] = [times, orders, tokens]
    times = new Float64Array(larger)
    orders = new Float64Array(larger)
    tokens = new Int32Array(larger)
    times.set(oldTimes)
    orders.set(oldOrders)
    tokens.set(oldTokens)
  }

  function add(at: number, token: number): void {
    if (size === times.length) grow()
    let place = size++
    const order = added++
    while (place > 0) {
      const parent = (place - 1) >> 1
      if ((times[parent] ?? 0) <= at) break
      move(parent, place)
      place = parent
    }
    put(place, at, order, token)
  }

  function peek(): Wake | undefined {
    return size === 0 ? undefined : { at: times[0] ?? 0, token: tokens[0] ?? 0 }
  }

  function take(): Wake | undefined {
    const first = peek()
    if (!first) return undefined
    size -= 1
    if (size > 0) sink(times[size] ?? 0, orders[size] ?? 0, tokens[size] ?? 0)
    return first
  }

  /** Finds the place for what was last, from the root down. */
  function sink(at: number, order: number, token: number): void {
    let place = 0
    for (;;) {
      let child = 2 * place + 1
      if (child >= size) break
      if (child + 1 < size && isBefore(child + 1, times[child] ?? 0, orders[child] ?? 0)) child += 1
      if (!isBefore(child, at, order)) break
      move(child, place)
      place = child
    }
    put(place, at, order, token)
  }

  function isBefore(place: number, at: number, order: number): boolean {
    const time = times[place] ?? 0
    return time < at || (time === at && (orders[place] ?? 0) < order)
  }

  function move(from: number, to: number): void {
    put(to, times[from] ?? 0, orders[from] ?? 0, tokens[from] ?? 0)
  }

  function put(place: number, at: number, order: number, token: number): void {
    times[place] = at
    orders[place] = order
    tokens[place] = token
  }

  return { add, peek, take, size: () => size }
}
