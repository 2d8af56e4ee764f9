import type { HttpPort, HttpRequest } from '@hotpatch/device-ground'

export interface ScriptedAnswer {
  status: number
  headers?: Readonly<Record<string, string>>
  body: string | Uint8Array
  /** The connection ends after the body. */
  breaks?: boolean
}

export interface ScriptedHttp extends HttpPort {
  requests: HttpRequest[]
}

/** Answers one after the other, in chunks of seven bytes; whatever is asked for beyond them fails. */
export function createScriptedHttp(answers: readonly ScriptedAnswer[], pieceBytes?: number): ScriptedHttp {
  const requests: HttpRequest[] = []
  return {
    requests,
    ...(pieceBytes !== undefined && { pieceBytes }),
    open(request) {
      const answer = answers[requests.length]
      requests.push(request)
      let isAborted = false
      const respond = async () => {
        if (!answer) throw new Error('nothing answers')
        const body = async function* () {
          const bytes = typeof answer.body === 'string' ? new TextEncoder().encode(answer.body) : answer.body
          for (let at = 0; at < bytes.length; at += 7) {
            if (isAborted) throw new Error('aborted')
            yield bytes.slice(at, at + 7)
          }
          if (answer.breaks) throw new Error('the connection broke')
        }
        return { status: answer.status, headers: answer.headers ?? {}, body: body() }
      }
      return {
        response: respond(),
        abort: () => {
          isAborted = true
        },
      }
    },
  }
}
