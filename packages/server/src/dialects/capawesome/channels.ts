import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedChannels, FoundChannels } from '../../updates/dialect.ts'
import { asProblem, optionalCount, optionalText } from '../reading/read-fields.ts'
import { deviceIdOf } from './read-update-check.ts'
import { refusal } from './refusal.ts'

/** What the plugin's documentation says that it gets without asking for a number of them. */
const USUAL_LIMIT = 50

/** Capawesome §5. */
export function readChannelList(request: Pick<PlainRequest, 'header'>): AskedChannels {
  return asProblem(() => ({ deviceId: deviceIdOf(request) }))
}

/**
 * Capawesome §5: those that devices may choose; by 401 the plugin says that there is no list.
 * @throws problem invalid-request
 */
export function renderChannels({ fixed, all }: FoundChannels, { query }: Pick<PlainRequest, 'query'>): PlainAnswer {
  const open = fixed === null ? all.filter(({ isOpen }) => isOpen) : []
  if (open.length === 0) return refusal('forbidden', 'No channel of this app is open to devices.', 401)
  const { limit, offset, part } = asProblem(() => ({
    limit: optionalCount(query, 'limit') ?? USUAL_LIMIT,
    offset: optionalCount(query, 'offset') ?? 0,
    part: optionalText(query, 'query', 63)?.toLowerCase() ?? '',
  }))
  const found = open.filter(({ name }) => name.includes(part)).slice(offset, offset + limit)
  return jsonAnswer(JSON.stringify(found.map(({ name }) => ({ id: name, name }))))
}
