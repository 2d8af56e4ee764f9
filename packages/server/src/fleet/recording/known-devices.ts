/** Two bytes for each device when a layer is full, less than five when the last layer is new. */
const BITS_PER_DEVICE = 16
/** Positions of one device: with these a full layer takes one unknown device in 400 for one of its own. */
const PROBES = 4
/** The first layer: 64 Ki devices in 128 KiB. Each further one is twice as large. */
const FIRST_LAYER_BITS = 2 ** 20

interface Layer {
  words: Uint32Array
  /** A power of two, less one. */
  mask: number
  devices: number
  capacity: number
}

/**
 * Which devices this server has seen before, in two to five bytes each: a Bloom filter that grows. It forgets none, and
 * takes one unknown device in a hundred for a known one, which harms nobody: it only decides who gives way when there
 * is too little room.
 *
 * A newcomer is known at the second `turn` after it was learnt, so that a flood of invented ids is over, or noticed,
 * before they count as known.
 *
 * @param seeds two random numbers: nobody can choose ids that look like known ones
 */
export function createKnownDevices({
  maxBytes,
  maxNewcomers,
  seeds,
}: {
  maxBytes: number
  maxNewcomers: number
  seeds: readonly [number, number]
}) {
  // The largest first, which has most of them.
  const layers: Layer[] = [emptyLayer(FIRST_LAYER_BITS)]
  // Their two hashes in one number.
  let newcomers = new Set<number>()
  let before = new Set<number>()
  let sizeBytes = FIRST_LAYER_BITS / 8
  let devices = 0
  let isComplete = false

  /** Everybody, until all that the database knows was read. */
  function isKnown(deviceId: string): boolean {
    return !isComplete || has(hash(deviceId, seeds[0]), stepOf(deviceId))
  }

  function has(first: number, second: number): boolean {
    return layers.some((layer) => isIn(layer, first, second))
  }

  /** Of 21 bits: with the other hash it makes one exact number. */
  function stepOf(deviceId: string): number {
    return hash(deviceId, seeds[1]) & 0x1f_ffff
  }

  /** @param deviceId that was seen long ago */
  function add(deviceId: string): void {
    addHashes(hash(deviceId, seeds[0]), stepOf(deviceId))
  }

  function addHashes(first: number, second: number): void {
    if (has(first, second)) return
    const layer = roomyLayer()
    if (!layer) return
    layer.devices++
    devices++
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = positionOf(first, second, probe) & layer.mask
      layer.words[bit >>> 5] = (layer.words[bit >>> 5] ?? 0) | (1 << (bit & 31))
    }
  }

  /** Undefined when all the room there may be is full: what comes then stays unknown. */
  function roomyLayer(): Layer | undefined {
    const [largest] = layers
    if (largest && largest.devices < largest.capacity) return largest
    const bits = ((largest?.mask ?? 0) + 1) * 2
    if (sizeBytes + bits / 8 > maxBytes) return undefined
    sizeBytes += bits / 8
    const layer = emptyLayer(bits)
    layers.unshift(layer)
    return layer
  }

  /** @param deviceId that was seen just now */
  function learn(deviceId: string): void {
    const first = hash(deviceId, seeds[0])
    const second = stepOf(deviceId)
    if (newcomers.size >= maxNewcomers || has(first, second)) return
    const joined = join(first, second)
    if (!before.has(joined)) newcomers.add(joined)
  }

  /** Whoever was learnt before the last turn is known from now on. */
  function turn(): void {
    for (const joined of before) addHashes(...split(joined))
    before = newcomers
    newcomers = new Set()
  }

  return {
    isKnown,
    add,
    learn,
    turn,
    /** All that the database knows was added. */
    complete: () => void (isComplete = true),
    sizes: () => ({ devices, newcomers: newcomers.size + before.size, sizeBytes }),
  }
}

function emptyLayer(bits: number): Layer {
  return { words: new Uint32Array(bits / 32), mask: bits - 1, devices: 0, capacity: bits / BITS_PER_DEVICE }
}

function isIn({ words, mask }: Layer, first: number, second: number): boolean {
  for (let probe = 0; probe < PROBES; probe++) {
    const bit = positionOf(first, second, probe) & mask
    if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
  }
  return true
}

/** Kirsch and Mitzenmacher: two hashes do for as many as are wanted. */
function positionOf(first: number, second: number, probe: number): number {
  return (first + Math.imul(probe, second | 1)) >>> 0
}

function join(first: number, second: number): number {
  return second * 2 ** 32 + first
}

function split(joined: number): [first: number, second: number] {
  return [joined % 2 ** 32, Math.floor(joined / 2 ** 32)]
}

/** FNV-1a from a secret start, mixed at the end as MurmurHash3 does. */
function hash(text: string, seed: number): number {
  let value = seed
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
