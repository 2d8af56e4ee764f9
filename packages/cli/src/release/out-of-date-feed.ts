import { ApiProblem } from '@hotpatch/api'
import type { Session } from '../session/session.ts'

/** After a change: apps that take signed feeds only take nothing until their publisher has signed again (Appcast §7). */
export async function noticeOutOfDateFeed({ api, context, output }: Session, appId: string, channel: string) {
  try {
    const { signature } = await api.getAppcast(appId, channel)
    if (!signature || signature.isInForce) return
    const again = `${context.programName} appcast sign ${channel}`
    output.notice(`The signed feed of ${channel} is out of date, and served unsigned until you sign it again: ${again}`)
  } catch (error) {
    // The change itself was made: that this cannot be told is no failure of it.
    if (!(error instanceof ApiProblem)) throw error
  }
}
