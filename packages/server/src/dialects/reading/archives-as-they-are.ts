import type { ClientTakes } from '@hotpatch/protocol'

/** What clients take that load one archive, open none that is encrypted, and can be sent back to embedded. */
export const ARCHIVES_AS_THEY_ARE: ClientTakes = { kinds: ['archive'], forms: ['plain'], embedded: true }

/** Whose protocol has no word for what the binary shipped with. */
export const ARCHIVES_WITHOUT_EMBEDDED: ClientTakes = { ...ARCHIVES_AS_THEY_ARE, embedded: false }
