import type { Device } from '@hotpatch/api'
import { Badge } from '@mantine/core'
import {
  IconArrowBackUp,
  IconBuildingStore,
  IconCheck,
  IconDownload,
  IconGhost2,
  IconHelp,
  type Icon,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './devices.module.css'
import { stateOf, type DeviceStateName } from './device-states.ts'

type Shown = Exclude<DeviceStateName, 'failed'> | 'unknown'

const LOOKS: Record<Shown, { color: string; icon: Icon }> = {
  upToDate: { color: 'teal', icon: IconCheck },
  offered: { color: 'blue', icon: IconDownload },
  goesBack: { color: 'orange', icon: IconArrowBackUp },
  needsApp: { color: 'yellow', icon: IconBuildingStore },
  gone: { color: 'gray', icon: IconGhost2 },
  unknown: { color: 'gray', icon: IconHelp },
}

/** What a device was told last, in a word, a sign and a colour. */
export function DeviceState({ device }: { device: Device }) {
  const { t } = useTranslation('devices')
  return deviceState(device, t)
}

/** The same, for many in a table, which has the texts already. */
export function deviceState(device: Device, t: (key: string) => string): ReactNode {
  const state = (stateOf(device) ?? 'unknown') as Shown
  const { color, icon: StateIcon } = LOOKS[state]
  return (
    <Badge color={color} className={classes.badge} leftSection={<StateIcon size={12} aria-hidden />}>
      {t(`states.${state}`)}
    </Badge>
  )
}
