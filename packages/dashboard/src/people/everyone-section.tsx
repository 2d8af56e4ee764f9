import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Section } from '../ground/page.tsx'
import { useWhoami } from '../ground/permissions.ts'
import { serverKey } from '../ground/queries.ts'

/** Ends what may be out there and is not known to be meant. For owners. */
export function EveryoneSection() {
  const { t } = useTranslation('people')
  const api = useApi()
  const whoami = useWhoami()
  const [isAsking, setIsAsking] = useState(false)
  const isWithSession = whoami?.kind === 'person'
  const end = useChange({
    change: () => api.signOutEveryone(),
    // Whoever has a session has none from then on, and reads nothing.
    invalidates: isWithSession ? [] : [serverKey()],
    done: ({ sessions }) => t('everyone.done', { count: sessions }),
    onDone: () => {
      if (isWithSession) location.reload()
    },
  })
  return (
    <Section
      title={t('everyone.title')}
      about={t('everyone.about')}
      actions={
        <Button variant="light" color="red" size="compact-sm" onClick={() => setIsAsking(true)}>
          {t('everyone.action')}
        </Button>
      }
    >
      <Confirm
        opened={isAsking}
        onClose={() => setIsAsking(false)}
        title={t('everyone.confirm')}
        action={t('everyone.action')}
        isDangerous
        onConfirm={() => end.mutateAsync()}
      >
        {t('everyone.will')}
      </Confirm>
    </Section>
  )
}
