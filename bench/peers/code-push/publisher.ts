import { BINARY_RANGE, type PeerRelease } from '../releases.ts'

const APP = 'bench-android'
const DEPLOYMENT = 'Production'
/** Whom its tables come with. */
const FIRST_ACCOUNT = { account: 'admin', password: '123456' }

/** Publishes to a code-push-server that is new, as its command-line tool does. */
export async function createPublisher(url: string) {
  const { results } = (await send('POST', '/auth/login', FIRST_ACCOUNT)) as { results: { tokens: string } }
  const authorization = `Bearer ${results.tokens}`

  async function send(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
    const isForm = body instanceof FormData
    const type = body && !isForm ? { 'content-type': 'application/json' } : {}
    const response = await fetch(url + path, {
      method,
      headers: { ...type, ...headers },
      body: isForm ? body : body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(60_000),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`)
    return JSON.parse(text || '{}') as unknown
  }

  /** @returns the deployment key */
  async function publish(releases: readonly PeerRelease[]): Promise<string> {
    const signedIn = { authorization }
    await send('POST', '/apps', { name: APP, os: 'Android', platform: 'React-Native' }, signedIn)
    const at = `/apps/${APP}/deployments`
    const { deployments } = (await send('GET', at, undefined, signedIn)) as {
      deployments: { name: string; key: string }[]
    }
    for (const release of releases) {
      await send('POST', `${at}/${DEPLOYMENT}/release`, releaseForm(release), signedIn)
    }
    const key = deployments.find(({ name }) => name === DEPLOYMENT)?.key
    if (key === undefined) throw new Error(`The app has no deployment ${DEPLOYMENT}.`)
    return key
  }

  return { publish }
}

function releaseForm({ zip, notes }: PeerRelease): FormData {
  const form = new FormData()
  form.set('package', new Blob([new Uint8Array(zip)], { type: 'application/zip' }), 'package.zip')
  form.set('packageInfo', JSON.stringify({ appVersion: BINARY_RANGE, description: notes, isMandatory: false }))
  return form
}
