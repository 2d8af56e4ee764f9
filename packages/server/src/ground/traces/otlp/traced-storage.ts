import type { StorageDriver } from '../../storage/storage-driver.ts'
import type { Spans } from './spans.ts'

/** What is asked of a storage, without the names of what is there. Bytes that are read later are not waited for. */
export function traceStorage(driver: StorageDriver, { spans, kind }: { spans: Spans; kind: string }): StorageDriver {
  const ask = <Result>(does: string, work: () => Promise<Result>, more = {}) =>
    spans.step(
      { name: `storage ${does}`, kind: 'client', attributes: { 'hotpatch.storage.kind': kind, ...more } },
      work,
    )

  return {
    put: (key, file) => ask('put', () => driver.put(key, file), { 'hotpatch.storage.size': file.sizeBytes }),
    stat: (key) => ask('head', () => driver.stat(key)),
    open: (key, ...ranges) => ask('get', () => driver.open(key, ...ranges)),
    downloadUrl: (key, answer) => driver.downloadUrl(key, answer),
    remove: (keys, condition) =>
      ask('delete', () => driver.remove(keys, condition), { 'hotpatch.storage.objects': keys.length }),
    list: () => driver.list(),
    removeLeftovers: (before) => ask('delete leftovers', () => driver.removeLeftovers(before)),
    ...(driver.isReachable && { isReachable: () => driver.isReachable?.() ?? true }),
    ...(driver.ping && { ping: async () => driver.ping?.() }),
    ...(driver.close && { close: () => driver.close?.() }),
  }
}
