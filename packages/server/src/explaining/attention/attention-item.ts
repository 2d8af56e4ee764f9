import { ATTENTION_SEVERITIES, type AttentionItem } from '@hotpatch/api'
import { timestamp } from '../../ground/clock.ts'

/** What somebody who asks may be told. */
export interface AttentionQuestion {
  /** Of these apps; null: of every one. */
  appIds: readonly string[] | null
  /** Also of what belongs to no app by itself, such as a token for all of them. */
  ofAll: boolean
  now: number
}

/** An app, as its rows tell of it. */
export interface NamedApp {
  app_id: string | null
  slug: string | null
}

export type FoundItem = Omit<AttentionItem, 'appId' | 'appSlug' | 'since'> & { since: number } & NamedApp

/** From each source: what is more is counted, and not told. */
export const MAX_OF_ONE_SOURCE = 200

export function renderItem({ app_id, slug, since, ...item }: FoundItem): AttentionItem {
  return { ...item, since: timestamp(since), appId: app_id, appSlug: slug }
}

/** Most severe first, of these the newest. */
export function inOrder(a: FoundItem, b: FoundItem): number {
  const severity = (item: FoundItem) => ATTENTION_SEVERITIES.indexOf(item.severity)
  return severity(a) - severity(b) || b.since - a.since || (a.subject.id < b.subject.id ? -1 : 1)
}

/** Such as "3 devices". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
