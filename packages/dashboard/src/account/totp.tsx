import type { Person, TotpEnrolment } from '@hotpatch/api'
import { Badge, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { encodeQR } from 'qr'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { CopyCommand } from '../ground/copy-command.tsx'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import classes from './account.module.css'
import { PasswordAgain } from './password-again.tsx'
import { accountKey } from './queries.ts'

export function TotpSection({ person }: { person: Person }) {
  const { t } = useTranslation('account')
  const api = useApi()
  const [asks, setAsks] = useState<'enrol' | 'remove' | 'codes'>()
  const [enrolment, setEnrolment] = useState<TotpEnrolment>()
  const [codes, setCodes] = useState<readonly string[]>()
  const remove = useChange({
    change: (password: string) => api.removeTotp({ password }),
    invalidates: [accountKey()],
    done: t('totp.removed'),
  })
  const badge = person.hasTotp ? <Badge color="teal">{t('totp.on')}</Badge> : undefined
  if (!person.hasPassword) return null
  return (
    <Section title={t('totp.title')} about={t('totp.about')} actions={badge}>
      <Stack gap="md">
        {codes && <RecoveryCodes codes={codes} />}
        <Group gap="xs">
          {person.hasTotp ? (
            <>
              <Button variant="default" onClick={() => setAsks('codes')}>
                {t('totp.newCodes')}
              </Button>
              <Button variant="subtle" color="red" onClick={() => setAsks('remove')}>
                {t('totp.remove')}
              </Button>
            </>
          ) : (
            <Button variant="default" onClick={() => setAsks('enrol')}>
              {t('totp.enrol')}
            </Button>
          )}
        </Group>
      </Stack>
      <PasswordAgain
        opened={asks === 'enrol'}
        onClose={() => setAsks(undefined)}
        title={t('totp.enrol')}
        action={t('totp.next')}
        onPassword={async (password) => setEnrolment(await api.enrolTotp({ password }))}
      />
      <PasswordAgain
        opened={asks === 'codes'}
        onClose={() => setAsks(undefined)}
        title={t('totp.newCodes')}
        action={t('totp.newCodes')}
        onPassword={async (password) => setCodes((await api.makeRecoveryCodes({ password })).recoveryCodes)}
      >
        {t('totp.newCodesAbout')}
      </PasswordAgain>
      <PasswordAgain
        opened={asks === 'remove'}
        onClose={() => setAsks(undefined)}
        title={t('totp.removeTitle')}
        action={t('totp.remove')}
        isDangerous
        onPassword={(password) => remove.mutateAsync(password)}
      >
        {t('totp.removeAbout')}
      </PasswordAgain>
      {enrolment && (
        <Enrol
          enrolment={enrolment}
          onClose={() => setEnrolment(undefined)}
          onDone={() => {
            setCodes(enrolment.recoveryCodes)
            setEnrolment(undefined)
          }}
        />
      )}
    </Section>
  )
}

function Enrol({ enrolment, onClose, onDone }: { enrolment: TotpEnrolment; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation('account')
  const ground = useTranslation('ground').t
  const api = useApi()
  const [code, setCode] = useState('')
  const confirm = useChange({
    change: () => api.confirmTotp({ code: code.replaceAll(/\s/g, '') }),
    invalidates: [accountKey()],
    done: t('totp.confirmed'),
    onDone,
  })
  const picture = `data:image/svg+xml,${encodeURIComponent(encodeQR(enrolment.uri, 'svg'))}`
  const secret = new URL(enrolment.uri).searchParams.get('secret') ?? ''
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('totp.enrol')}
      centered
      closeButtonProps={{ 'aria-label': ground('close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          confirm.mutate()
        }}
      >
        <Stack gap="md">
          <Text>{t('totp.scan')}</Text>
          <img src={picture} alt={t('totp.picture')} className={classes.picture} />
          <Text>{t('totp.typed')}</Text>
          <CopyCommand command={secret} label={t('totp.secret')} />
          <TextInput
            label={t('totp.code')}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            inputMode="numeric"
            autoComplete="one-time-code"
            maxLength={7}
            required
            withAsterisk={false}
          />
          <ProblemPanel error={confirm.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {ground('cancel')}
            </Button>
            <Button type="submit" loading={confirm.isPending}>
              {t('totp.confirm')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const { t } = useTranslation('account')
  return (
    <Stack gap="xs">
      <Text fw={500}>{t('totp.codes')}</Text>
      <Text>{t('totp.codesAbout')}</Text>
      <CopyCommand command={codes.join('\n')} label={t('totp.codes')} />
    </Stack>
  )
}
