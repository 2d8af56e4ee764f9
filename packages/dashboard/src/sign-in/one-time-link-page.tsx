import { ApiProblem, type OneTimeLink, type SignInAnswer } from '@hotpatch/api'
import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useRouter, useRouterState } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { currentApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { useFigures } from '../ground/figures.ts'
import { ButtonLink } from '../ground/links.tsx'
import { CONSOLE_URL } from '../ground/place.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import { PasswordInput } from '../ground/password-input.tsx'
import { forgetEverything } from './enter.ts'
import { Outside } from './outside.tsx'

const SHORTEST_PASSWORD = 10

/** A link that works once: the first owner's, an invitation, or a new password. Its secret is behind the "#". */
export function OneTimeLinkPage() {
  const { t } = useTranslation('sign-in')
  const secret = useRouterState({ select: ({ location }) => location.hash })
  const link = useQuery({
    queryKey: serverKey('one-time-link', secret),
    queryFn: () => currentApi().lookAtOneTimeLink({ secret }),
    enabled: secret !== '',
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (link.data?.kind === 'invitation') return <Invitation link={link.data} secret={secret} />
  if (link.data) return <UseLink link={link.data} secret={secret} />
  if (secret !== '' && link.isPending) {
    return (
      <Outside title={t('link.title')}>
        <Loading rows={3} />
      </Outside>
    )
  }
  return (
    <Outside title={t('link.broken')} about={t('link.brokenAbout')}>
      <Stack gap="md">
        <ProblemPanel error={link.error} onRetry={() => void link.refetch()} />
        <ButtonLink to="/sign-in" variant="default">
          {t('link.toSignIn')}
        </ButtonLink>
      </Stack>
    </Outside>
  )
}

/** Whoever is signed in with its e-mail address has an account, and chooses nothing. */
function Invitation({ link, secret }: { link: OneTimeLink; secret: string }) {
  const { t } = useTranslation('sign-in')
  const account = useQuery({
    queryKey: serverKey('account'),
    queryFn: () => currentApi().getAccount(),
    retry: false,
    // Somebody may sign in in another tab, and come back.
    refetchOnWindowFocus: 'always',
  })
  if (!account.isFetched) {
    return (
      <Outside title={t('link.title')}>
        <Loading rows={3} />
      </Outside>
    )
  }
  const isTheirs = account.data !== undefined && account.data.email.toLowerCase() === link.email?.toLowerCase()
  return isTheirs ? <AcceptInvitation link={link} secret={secret} /> : <UseLink link={link} secret={secret} />
}

function AcceptInvitation({ link, secret }: { link: OneTimeLink; secret: string }) {
  const { t } = useTranslation('sign-in')
  const router = useRouter()
  const accept = useChange({
    change: () => currentApi().useOneTimeLink({ secret }),
    done: t('link.known.accepted'),
    onDone: () => void enter(),
  })

  async function enter() {
    await forgetEverything()
    await router.navigate({ to: '/', hash: '', replace: true })
  }

  return (
    <Outside
      title={t('link.invitation.title')}
      about={t('link.known.about', { by: link.invitedBy ?? '', email: link.email ?? '' })}
    >
      <Stack gap="md">
        <ProblemPanel error={accept.error} />
        <Button onClick={() => accept.mutate()} loading={accept.isPending} fullWidth>
          {t('link.known.submit')}
        </Button>
        <Until link={link} />
      </Stack>
    </Outside>
  )
}

function Until({ link }: { link: OneTimeLink }) {
  const { t } = useTranslation('sign-in')
  const figures = useFigures()
  return (
    <Text c="dimmed" size="xs">
      {t('link.until', { at: figures.dateTime(link.expiresAt) })}
    </Text>
  )
}

function UseLink({ link, secret }: { link: OneTimeLink; secret: string }) {
  const { t } = useTranslation('sign-in')
  const router = useRouter()
  const isReset = link.kind === 'reset'
  const [email, setEmail] = useState(link.email ?? '')
  const [name, setName] = useState(link.name ?? '')
  const [password, setPassword] = useState('')
  const use = useChange({
    change: () =>
      currentApi().useOneTimeLink({
        secret,
        password,
        ...(link.email === null && { email: email.trim() }),
        ...(!isReset && { name: name.trim() }),
      }),
    onDone: (answer) => void enter(answer),
  })

  async function enter({ needs }: SignInAnswer) {
    await forgetEverything()
    await router.navigate({ to: needs === undefined ? '/' : '/sign-in', hash: '', replace: true })
  }

  return (
    <Outside
      title={t(`link.${link.kind}.title`)}
      about={t(`link.${link.kind}.about`, { by: link.invitedBy ?? '', email: link.email ?? '' })}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          use.mutate()
        }}
      >
        <Stack gap="md">
          {!isReset && (
            <TextInput
              label={t('name')}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              autoComplete="name"
              maxLength={100}
              required
              withAsterisk={false}
            />
          )}
          <TextInput
            type="email"
            label={t('email')}
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            readOnly={link.email !== null}
            autoComplete="username"
            required
            withAsterisk={false}
          />
          <PasswordInput
            label={t('newPassword')}
            description={t('newPasswordAbout', { count: SHORTEST_PASSWORD })}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="new-password"
            minLength={SHORTEST_PASSWORD}
            maxLength={128}
            required
            withAsterisk={false}
          />
          {link.removesSecondFactor && <Text c="dimmed">{t('link.reset.secondFactor')}</Text>}
          <ProblemPanel error={use.error} />
          {isKnown(use.error) && (
            <Anchor href={`${CONSOLE_URL}sign-in`} target="_blank" rel="noreferrer">
              {t('link.known.signIn')}
            </Anchor>
          )}
          <Button type="submit" loading={use.isPending} fullWidth>
            {t(`link.${link.kind}.submit`)}
          </Button>
          <Until link={link} />
        </Stack>
      </form>
    </Outside>
  )
}

/** There is an account with the address: whoever has nothing but the link is not its owner. */
function isKnown(error: unknown): boolean {
  return error instanceof ApiProblem && error.type === 'person-exists'
}
