import { createManagementClient, type ManagementClient } from '@hotpatch/api'
import { useSyncExternalStore } from 'react'
import { SERVER_URL } from './place.ts'

/**
 * Who signed in with a token, instead of a session: it is in memory only, and gone when the page is left. Nothing keeps it,
 * as whatever a page keeps can be read by whatever gets into it.
 */
let client = clientWith(undefined)
let hasToken = false
const listeners = new Set<() => void>()

function clientWith(token: string | undefined): ManagementClient {
  return createManagementClient({ url: SERVER_URL, token })
}

/** @param token undefined: from now on by the session's cookie */
export function signInWith(token: string | undefined): void {
  client = clientWith(token)
  hasToken = token !== undefined
  for (const listener of listeners) listener()
}

export function isSignedInWithToken(): boolean {
  return hasToken
}

/** The one way to the server. */
export function useApi(): ManagementClient {
  return useSyncExternalStore(subscribe, currentApi)
}

/** For what is not a component. */
export function currentApi(): ManagementClient {
  return client
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
