const ORIGIN = 'http://localhost'

/** A server in this process: what the testkit starts. */
export interface Server {
  request(
    method: string,
    url: string,
    options: { body?: unknown; headers?: Record<string, string>; token?: string | null; from?: string },
  ): Promise<Answer>
  firstOwnerSecret: string
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | number | undefined>
  // The tests look into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

/** A browser at the console: it keeps cookies, and says where its page is from. */
export class BrowserOf {
  readonly cookies = new Map<string, string>()
  readonly #server: Server
  readonly #from: string
  readonly #origin: string

  constructor(server: Server, from = '127.0.0.1', origin = ORIGIN) {
    this.#server = server
    this.#from = from
    this.#origin = origin
  }

  get(path: string) {
    return this.send('GET', path)
  }

  post(path: string, body?: unknown) {
    return this.send('POST', path, body)
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await this.#server.request(method, `/manage/v1${path}`, {
      token: null,
      from: this.#from,
      headers: { host: new URL(this.#origin).host, origin: this.#origin, ...(cookie !== '' && { cookie }), ...headers },
      ...(body !== undefined && { body }),
    })
    this.#keep([response.headers['set-cookie'] ?? []].flat() as string[])
    return response
  }

  #keep(set: readonly string[]): void {
    for (const line of set) {
      const [pair = '', ...attributes] = line.split('; ')
      const at = pair.indexOf('=')
      const isGone = attributes.some((attribute) => /^max-age=0$/i.test(attribute))
      if (isGone) this.cookies.delete(pair.slice(0, at))
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1))
    }
  }
}
