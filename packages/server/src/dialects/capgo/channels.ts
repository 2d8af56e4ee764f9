import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer } from '../../ground/http/plain-request.ts'
import type { FoundChannels } from '../../updates/dialect.ts'
import type { Fields } from '../reading/read-fields.ts'
import { has } from './plugin-version.ts'

/** Capgo §5: of the channels that devices may choose. Its clients read an id that is a number. */
export function renderChannels({ fixed, all }: FoundChannels): PlainAnswer {
  const items = all.flatMap(({ name, isOpen }, index) =>
    isOpen && fixed === null ? [{ id: index + 1, name, public: name === DEFAULT_CHANNEL, allow_self_set: true }] : [],
  )
  return jsonAnswer(JSON.stringify(items))
}

/** Capgo §5: the channel that the device is on. */
export function renderChannel({ fixed, asked, all }: FoundChannels): PlainAnswer {
  const allowSet = fixed === null && all.some(({ isOpen }) => isOpen)
  const channel = asked?.name ?? DEFAULT_CHANNEL
  return jsonAnswer(JSON.stringify({ channel, status: fixed === null ? 'default' : 'override', allowSet }))
}

/**
 * Capgo §5: the device keeps the choice itself, and sends it from then on.
 * @throws problem forbidden
 */
export function renderChosen({ fixed, wished, asked }: FoundChannels, fields: Fields): PlainAnswer {
  if (fixed !== null && wished !== fixed) {
    throw refusal('cannot_override', `The key of this app is for the channel "${fixed}".`)
  }
  if (!asked?.isOpen) {
    throw refusal('channel_self_set_not_allowed', `Devices do not choose the channel "${wished}" by themselves.`)
  }
  if (!has('keepsItsChannel', fields)) {
    throw refusal('channel_self_server_storage_unavailable', 'The plugin is too old to keep a channel by itself.')
  }
  return jsonAnswer(JSON.stringify({ status: 'ok', allowSet: true }))
}

/** Capgo §5: nothing is kept here. */
export function renderForgotten(): PlainAnswer {
  return jsonAnswer(JSON.stringify({ status: 'ok' }))
}

function refusal(capgo: string, detail: string) {
  return problem('forbidden', detail, { capgo })
}
