import type { CreatedInvitation, PersonGrant } from '@hotpatch/api'
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { asInput, GrantsField, useFirstGrant } from './grants-field.tsx'
import { peopleKey } from './queries.ts'

/** Asks whom, and with which roles; what comes of it is a link. */
export function InviteDialog({
  opened,
  onClose,
  onInvited,
}: {
  opened: boolean
  onClose: () => void
  onInvited: (invitation: CreatedInvitation) => void
}) {
  const { t } = useTranslation('people')
  const api = useApi()
  const first = useFirstGrant()
  const [email, setEmail] = useState('')
  const [name, setName] = useState('')
  // Undefined: what somebody who is new gets at first.
  const [own, setGrants] = useState<PersonGrant[]>()
  const grants = own ?? (first ? [first] : [])

  const invite = useChange({
    change: () =>
      api.invite({
        email: email.trim(),
        grants: asInput(grants),
        ...(name.trim() !== '' && { name: name.trim() }),
      }),
    invalidates: [peopleKey('invitations')],
    onDone: (invitation) => {
      close()
      onInvited(invitation)
    },
  })

  function close() {
    setEmail('')
    setName('')
    setGrants(undefined)
    invite.reset()
    onClose()
  }

  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t('invite.title')}
      size="lg"
      centered
      closeButtonProps={{ 'aria-label': t('cancel') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          invite.mutate()
        }}
      >
        <Stack gap="md">
          <TextInput
            label={t('email')}
            type="email"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            autoComplete="off"
            maxLength={254}
            required
            data-autofocus
          />
          <TextInput
            label={t('name')}
            description={t('invite.nameAbout')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="off"
            maxLength={100}
          />
          <GrantsField label={t('grants.title')} grants={grants} onChange={setGrants} />
          <ProblemPanel error={invite.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {t('cancel')}
            </Button>
            <Button type="submit" loading={invite.isPending} disabled={grants.length === 0}>
              {t('invite.action')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
