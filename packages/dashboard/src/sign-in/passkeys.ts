import { currentApi } from '../ground/api.ts'

/** Whether this browser has passkeys at all, and the address is one for which it gives them out. */
export function hasPasskeys(): boolean {
  return (
    window.isSecureContext &&
    typeof PublicKeyCredential === 'function' &&
    'parseRequestOptionsFromJSON' in PublicKeyCredential
  )
}

export async function signInWithPasskey() {
  const { ceremony, options } = await currentApi().beginPasskeySignIn()
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON)
  const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential
  return currentApi().signInWithPasskey({ ceremony, response: credential.toJSON() })
}

/** Whoever closes the browser's own dialog knows that they did: nothing has to be said. */
export function wasCancelled(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotAllowedError'
}
