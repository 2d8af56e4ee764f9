import type { Core } from './core.ts'

/**
 * All that is read from the read replica, where there is one, and so may be a moment old: what people look at, and nothing
 * that anything is decided by. Guards, plans, previews, checks of what is published, who may do what, and everything that
 * is written stay where it was written.
 */
export function mayBeOld({ figures }: Pick<Core, 'figures'>) {
  return {
    /** Adoption, active devices, checks, downloads, reasons, and their CSV. */
    insights: figures,
    /** Which component of a kit fails. */
    components: figures,
    /** Lines of the audit log as they are exported, where they are there up to what the primary says. */
    auditExports: figures,
    /** Devices as they are listed and searched. One by itself is read where it is written. */
    deviceLists: figures,
  }
}
