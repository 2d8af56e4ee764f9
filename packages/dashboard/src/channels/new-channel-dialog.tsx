import { Button, Group, Modal, Stack, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'

export function NewChannelDialog({ app, onClose }: { app: string; onClose: () => void }) {
  const { t } = useTranslation('channels')
  const api = useApi()
  const [name, setName] = useState('')
  const [isOpen, setIsOpen] = useState(false)
  const create = useChange({
    change: () => api.createChannel(app, { name, deviceChoice: isOpen ? 'open' : 'closed' }),
    invalidates: [appKey(app, 'channels')],
    done: t('made', { channel: name }),
    onDone: onClose,
  })
  return (
    <Modal opened onClose={onClose} title={t('new')} centered closeButtonProps={{ 'aria-label': t('ground:close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <Stack gap="md">
          <TextInput
            label={t('name')}
            description={t('nameAbout')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            maxLength={63}
            data-autofocus
          />
          <Switch
            label={t('choice')}
            description={t('choiceAbout')}
            checked={isOpen}
            onChange={(event) => setIsOpen(event.currentTarget.checked)}
          />
          <ProblemPanel error={create.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('ground:cancel')}
            </Button>
            <Button type="submit" loading={create.isPending} disabled={name === ''}>
              {t('make')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
