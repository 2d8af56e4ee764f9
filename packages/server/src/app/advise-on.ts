import type { ServerAdvice } from '@hotpatch/api'
import { NO_PUBLIC_URL } from '../http/public-url.ts'
import type { Core } from './core.ts'

/** What `hotpatch doctor` tells of the server itself, as it runs now. */
export function adviseOn({ config }: Core): ServerAdvice[] {
  return config.http.publicUrl === null ? [NO_PUBLIC_URL] : []
}
