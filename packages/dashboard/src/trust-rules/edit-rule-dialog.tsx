import type { TrustRule } from '@hotpatch/api'
import { Alert, Button, Group, Modal, Stack } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { changesOf, draftOf, endsTokens } from './rule-draft.ts'
import { RuleFields } from './rule-fields.tsx'

/** @param rule undefined: closed */
export function EditRuleDialog({ rule, onClose }: { rule: TrustRule | undefined; onClose: () => void }) {
  const { t } = useTranslation('trust-rules')
  return (
    <Modal
      opened={rule !== undefined}
      onClose={onClose}
      title={t('edit.title', { name: rule?.name ?? '' })}
      size="lg"
      centered
      closeButtonProps={{ 'aria-label': t('new.back') }}
    >
      {rule && <EditRule key={rule.id} rule={rule} onClose={onClose} />}
    </Modal>
  )
}

function EditRule({ rule, onClose }: { rule: TrustRule; onClose: () => void }) {
  const { t } = useTranslation('trust-rules')
  const api = useApi()
  const [draft, setDraft] = useState(() => draftOf(rule))
  const changes = changesOf(rule, draft)
  const isChanged = Object.keys(changes).length > 0
  const save = useChange({
    change: () => api.changeTrustRule(rule.id, changes),
    invalidates: [serverKey('trust-rules')],
    done: ({ name }) => t('edit.saved', { name }),
    onDone: onClose,
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="md">
        {rule.endedAt !== null && <Alert color="blue">{t('edit.ended')}</Alert>}
        <RuleFields draft={draft} onChange={setDraft} />
        {endsTokens(changes) && <Alert color="yellow">{t('edit.endsTokens')}</Alert>}
        <ProblemPanel error={save.error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            {t('new.back')}
          </Button>
          <Button type="submit" loading={save.isPending} disabled={!isChanged}>
            {t('edit.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
