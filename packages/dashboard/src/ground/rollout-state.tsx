import type { Rollout } from '@hotpatch/api'
import { Badge } from '@mantine/core'
import {
  IconBan,
  IconClock,
  IconPlayerPause,
  IconPlayerPlay,
  IconTrash,
  IconUserCheck,
  type Icon,
} from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

type ShownState = Rollout['state'] | 'scheduled' | 'proposed'

interface Told {
  state: string
  startsAt?: string | null
  awaitsApproval?: boolean
}

const LOOKS: Record<ShownState, { color: string; icon: Icon }> = {
  active: { color: 'teal', icon: IconPlayerPlay },
  scheduled: { color: 'blue', icon: IconClock },
  proposed: { color: 'blue', icon: IconUserCheck },
  paused: { color: 'yellow', icon: IconPlayerPause },
  halted: { color: 'red', icon: IconBan },
  withdrawn: { color: 'gray', icon: IconTrash },
}

/** What a rollout does now, in a word, a sign and a colour. */
export function RolloutState({ rollout }: { rollout: Told }) {
  const { t } = useTranslation('impact')
  const state = shownState(rollout)
  const { color, icon: StateIcon } = LOOKS[state]
  return (
    <Badge color={color} leftSection={<StateIcon size={12} aria-hidden />} style={{ flexShrink: 0 }}>
      {t(`state.${state}`)}
    </Badge>
  )
}

export function shownState({ state, startsAt = null, awaitsApproval = false }: Told): ShownState {
  // Paused, as the server keeps it: who reads that would resume it, which is not theirs alone to do.
  if (state === 'paused' && awaitsApproval) return 'proposed'
  if (state === 'active' && startsAt !== null && new Date(startsAt).getTime() > Date.now()) return 'scheduled'
  return Object.hasOwn(LOOKS, state) ? (state as ShownState) : 'active'
}

/** Such as "1.2.0", or what the binary shipped with. */
export function useVersionName(): (version: string | null) => string {
  const { t } = useTranslation('impact')
  return (version) => version ?? t('embedded')
}
