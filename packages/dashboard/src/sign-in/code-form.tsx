import type { SignInAnswer } from '@hotpatch/api'
import { Button, Stack, TextInput, UnstyledButton } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { currentApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Outside } from './outside.tsx'
import classes from './sign-in.module.css'

/** The second step: what the authenticator app shows, or one of the recovery codes. */
export function CodeForm({
  onDone,
  onBack,
}: {
  onDone: (answer: SignInAnswer) => Promise<void> | void
  onBack: () => void
}) {
  const { t } = useTranslation('sign-in')
  const [isRecovery, setIsRecovery] = useState(false)
  const [code, setCode] = useState('')
  const signIn = useChange({
    change: () => {
      const given = { code: code.replaceAll(/\s/g, '') }
      return isRecovery ? currentApi().signInWithRecoveryCode(given) : currentApi().signInWithTotp(given)
    },
    onDone: (answer) => void onDone(answer),
  })
  const kind = isRecovery ? 'recovery' : 'code'
  return (
    <Outside title={t(`${kind}.title`)} about={t(`${kind}.about`)}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          signIn.mutate()
        }}
      >
        <Stack gap="md">
          <TextInput
            key={kind}
            label={t(`${kind}.label`)}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
            autoComplete="one-time-code"
            {...(!isRecovery && { inputMode: 'numeric' as const, maxLength: 7 })}
            autoFocus
            required
            withAsterisk={false}
          />
          <ProblemPanel error={signIn.error} />
          <Button type="submit" loading={signIn.isPending} fullWidth>
            {t('submit')}
          </Button>
          <UnstyledButton
            className={classes.other}
            onClick={() => {
              setCode('')
              setIsRecovery(!isRecovery)
            }}
          >
            {t(`${kind}.instead`)}
          </UnstyledButton>
          <UnstyledButton className={classes.other} onClick={onBack}>
            {t('back')}
          </UnstyledButton>
        </Stack>
      </form>
    </Outside>
  )
}
