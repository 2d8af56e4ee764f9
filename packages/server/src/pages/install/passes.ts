import { createHmac, timingSafeEqual } from 'node:crypto'
import { SECOND_MS } from '../../ground/clock.ts'

/** What lets somebody in until a time: in a link, or in the cookie of whoever knew the password. */
export interface PassSubject {
  appId: string
  channel: string
  /** Of the page: when it changes, no pass of before holds any more. */
  secret: string
}

const PASS = /^([0-9a-z]{1,10})\.([\w-]{43})$/

export function makePass(subject: PassSubject, expiresAt: number): string {
  const expires = Math.floor(expiresAt / SECOND_MS).toString(36)
  return `${expires}.${signature(subject, expires)}`
}

/** Whether it is of this page, and its time is not over. */
export function isPass(subject: PassSubject, pass: string, now: number): boolean {
  const [, expires, told] = PASS.exec(pass) ?? []
  if (expires === undefined || told === undefined) return false
  // As texts: the last letter has bits that mean nothing, and four passes would be the same one.
  const isOurs = timingSafeEqual(Buffer.from(signature(subject, expires)), Buffer.from(told))
  return isOurs && Number.parseInt(expires, 36) * SECOND_MS > now
}

function signature({ appId, channel, secret }: PassSubject, expires: string): string {
  return createHmac('sha256', secret)
    .update(JSON.stringify(['install-page', appId, channel, expires]))
    .digest('base64url')
}
