import type { Guard, GuardSettings, Rollout } from '@hotpatch/api'
import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useChange } from '../../ground/change.ts'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { GuardFields } from '../../ground/rollout-fields/guard-fields.tsx'

/** How it is judged, from the next look on. Only what is typed is sent: what others changed meanwhile stays. */
export function GuardSettingsDialog({
  app,
  rollout,
  guard,
  onClose,
}: {
  app: string
  rollout: Rollout
  guard: Guard
  onClose: () => void
}) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const [before] = useState(guard.settings)
  const [draft, setDraft] = useState<GuardSettings>(guard.settings)
  const changes = Object.fromEntries(
    Object.entries(draft).filter(([name, value]) => value !== before[name as keyof GuardSettings]),
  )
  const change = useChange({
    change: () => api.changeGuard(rollout.id, changes),
    invalidates: [appKey(app, 'rollout', rollout.id)],
    done: t('guard.changed'),
    onDone: onClose,
  })
  return (
    <Modal opened onClose={onClose} title={t('guard.change')} closeButtonProps={{ 'aria-label': t('ground:close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate()
        }}
      >
        <Stack gap="md">
          <Text c="dimmed">{t('guard.changeAbout')}</Text>
          <GuardFields value={draft} onChange={setDraft} />
          <ProblemPanel error={change.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('ground:cancel')}
            </Button>
            <Button type="submit" loading={change.isPending} disabled={Object.keys(changes).length === 0}>
              {t('guard.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
