import { BASE_PATH } from '../ground/place.ts'
import { queries } from '../ground/queries.ts'

/** Where somebody wanted to go, within the console; its first page when that is elsewhere, or nowhere. */
export function pageFrom(returnTo: string | undefined): string {
  const path = returnTo?.startsWith(`${BASE_PATH}/`) ? returnTo.slice(BASE_PATH.length) : '/'
  // "//example.com" would be another server.
  return path.startsWith('//') ? '/' : path
}

/** Whatever was read before was read as somebody else. */
export async function forgetEverything(): Promise<void> {
  await queries.cancelQueries()
  queries.clear()
}
