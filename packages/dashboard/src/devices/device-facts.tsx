import type { DeviceWithEvents } from '@hotpatch/api'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyValue } from '../ground/copy-command.tsx'
import { useFigures } from '../ground/figures.ts'
import { TextLink } from '../ground/links.tsx'
import { Time } from '../ground/time.tsx'
import classes from './devices.module.css'

/** What a device told of itself. */
export function DeviceFacts({ slug, device }: { slug: string; device: DeviceWithEvents }) {
  const { t } = useTranslation('devices')
  const figures = useFigures()
  const { trust } = device
  const facts: [string, ReactNode][] = [
    [t('facts.id'), <CopyValue key="id" value={device.id} />],
    [
      t('runs'),
      device.currentReleaseId === null ? (
        t('embedded')
      ) : device.currentVersion === null ? (
        <>
          {t('unknownRelease')} <code>{device.currentReleaseId}</code>
        </>
      ) : (
        <TextLink to="/apps/$app/releases/$release" params={{ app: slug, release: device.currentReleaseId }}>
          {device.currentVersion}
        </TextLink>
      ),
    ],
    [t('platform'), t(`platforms.${device.platform}`)],
    [t('channel'), device.channel],
    [t('nativeVersion'), device.nativeVersion ?? t('facts.untold')],
    [t('facts.runtimeVersion'), device.runtimeVersion],
    [t('facts.dialect'), device.dialect],
    [t('facts.cohorts'), device.cohorts.length > 0 ? figures.list(device.cohorts) : null],
    ...Object.entries(device.attributes).map(([name, value]): [string, ReactNode] => [
      t(`facts.attributes.${name}`, { defaultValue: name.replace(/^custom\./, '') }),
      value,
    ]),
    [t('facts.highWater'), trust && figures.number(trust.highWater)],
    [t('facts.keys'), trust && trust.keyIds.length > 0 ? <code>{trust.keyIds.join(' ')}</code> : null],
    [t('facts.firstSeen'), <Time key="first" at={device.firstSeenAt} />],
    [t('lastSeen'), <Time key="last" at={device.lastSeenAt} />],
    [t('facts.lastCheck'), device.lastCheckAt && <Time at={device.lastCheckAt} />],
    [t('facts.gone'), device.goneAt && <Time at={device.goneAt} />],
  ]
  return (
    <dl className={classes.facts}>
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== undefined && (
            <FactLine key={name} name={name}>
              {value}
            </FactLine>
          ),
      )}
    </dl>
  )
}

function FactLine({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}
