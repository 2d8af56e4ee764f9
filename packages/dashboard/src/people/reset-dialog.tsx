import type { CreatedResetLink, Person } from '@hotpatch/api'
import { Checkbox, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Confirm } from '../ground/confirm.tsx'

export function ResetDialog({
  person,
  opened,
  onClose,
  onMade,
}: {
  person: Person
  opened: boolean
  onClose: () => void
  onMade: (link: CreatedResetLink) => void
}) {
  const { t } = useTranslation('people')
  const api = useApi()
  const [removesSecondFactor, setRemoves] = useState(false)
  const hasSecondFactor = person.hasTotp || person.passkeys > 0
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('reset.title')}
      action={t('reset.action')}
      onConfirm={async () => onMade(await api.makeResetLink(person.id, { removesSecondFactor }))}
    >
      <Stack gap="sm">
        <Text>{t('reset.will', { name: person.name })}</Text>
        {hasSecondFactor && (
          <Checkbox
            label={t('reset.removes')}
            description={t('reset.removesAbout')}
            checked={removesSecondFactor}
            onChange={(event) => setRemoves(event.currentTarget.checked)}
          />
        )}
      </Stack>
    </Confirm>
  )
}
