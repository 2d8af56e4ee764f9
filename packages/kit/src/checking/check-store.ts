import { NO_RECORD, readCheckRecord, writeCheckRecord, type CheckRecord } from './check-record.ts'

/** Where checks are remembered. May reject: then nobody is asked who did not want it. */
export interface CheckStore {
  read(application: string): Promise<CheckRecord>
  /** Changes one application's record, and no other's, at once for everybody who reads it. */
  update(application: string, change: (record: CheckRecord) => CheckRecord): Promise<CheckRecord>
}

/** For tests, and for what has nowhere to write: it is forgotten at the end of the process. */
export function createMemoryCheckStore(): CheckStore {
  const records = new Map<string, CheckRecord>()
  const read = async (application: string) => records.get(application) ?? NO_RECORD
  return {
    read,
    async update(application, change) {
      const changed = change(records.get(application) ?? NO_RECORD)
      records.set(application, changed)
      return changed
    },
  }
}

/** What browsers call Storage. */
export interface TextStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

/** In `localStorage`. Each application has a key of its own: two pages that write at the same time are of the same one. */
export function createStorageCheckStore(storage: () => TextStorage, prefix = 'hotpatch.kit.checks.'): CheckStore {
  const textOf = (application: string) => storage().getItem(prefix + application) ?? undefined
  return {
    read: async (application) => readCheckRecord(textOf(application), application),
    async update(application, change) {
      const changed = change(readCheckRecord(textOf(application), application))
      storage().setItem(prefix + application, writeCheckRecord(undefined, application, changed))
      return changed
    },
  }
}

/** Whether people were told in this session: of a browser's tab, or of the process. */
export interface SessionPort {
  wasTold(application: string): boolean
  tell(application: string): void
}

export function createMemorySession(): SessionPort {
  const told = new Set<string>()
  return { wasTold: (application) => told.has(application), tell: (application) => void told.add(application) }
}

/** In `sessionStorage`, or in memory where a page may not use it. */
export function createStorageSession(storage: () => TextStorage, prefix = 'hotpatch.kit.told.'): SessionPort {
  const memory = createMemorySession()
  return {
    wasTold(application) {
      try {
        return storage().getItem(prefix + application) !== null || memory.wasTold(application)
      } catch {
        // Browsers that keep nothing throw: the page itself remembers.
        return memory.wasTold(application)
      }
    },
    tell(application) {
      memory.tell(application)
      try {
        storage().setItem(prefix + application, '1')
      } catch {
        // As above.
      }
    },
  }
}
