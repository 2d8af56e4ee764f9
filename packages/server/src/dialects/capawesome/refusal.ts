import { jsonAnswer, type PlainAnswer } from '../../ground/http/plain-request.ts'

/** Capawesome §6. */
export function refusal(code: string, message: string, status: number): PlainAnswer {
  return jsonAnswer(JSON.stringify({ code, message }), status)
}
