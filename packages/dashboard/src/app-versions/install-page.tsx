import type { App, InstallLink, InstallPage } from '@hotpatch/api'
import { Alert, Badge, Button, Group, NumberInput, Radio, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { CopyCommand, CopyValue } from '../ground/copy-command.tsx'
import { Section } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { Empty, Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { PasswordInput } from '../ground/password-input.tsx'
import classes from './app-versions.module.css'
import { QrCode } from './qr-code.tsx'

/** The page from which people install the app: its address, whom it lets in, and a code for phones. */
export function InstallPageSection({ slug, app, channel }: { slug: string; app: App | undefined; channel: string }) {
  const { t } = useTranslation('app-versions')
  const api = useApi()
  const may = useMay()
  const { data, error } = useQuery({
    queryKey: appKey(slug, 'install-pages'),
    queryFn: () => api.listInstallPages(slug),
  })
  const page = data?.items.find((each) => each.channel === channel)
  const mayChange = may('channels:change', app?.id)
  return (
    <Section title={t('install.title', { channel })} about={t('install.about')}>
      <ProblemPanel error={error} />
      {!data && !error && <Loading rows={3} />}
      {data && page && <Opened key={page.changedAt} slug={slug} page={page} mayChange={mayChange} />}
      {data && !page && <Closed slug={slug} channel={channel} mayChange={mayChange} />}
    </Section>
  )
}

function Opened({ slug, page, mayChange }: { slug: string; page: InstallPage; mayChange: boolean }) {
  const { t } = useTranslation('app-versions')
  const [link, setLink] = useState<InstallLink>()
  const shown = link?.url ?? page.url
  return (
    <div className={classes.install}>
      <Stack gap="md">
        <Group gap="xs">
          <Badge color={page.access === 'open' ? 'teal' : 'blue'}>{t(`install.access.${page.access}`)}</Badge>
          <Text c="dimmed">
            {t(
              page.access === 'open'
                ? 'install.openAbout'
                : page.hasPassword
                  ? 'install.passwordAbout'
                  : 'install.linkAbout',
            )}
          </Text>
        </Group>
        <CopyValue value={page.url} />
        {link && (
          <Alert color="blue" title={t('install.linkMade')}>
            <Stack gap={6}>
              <CopyCommand command={link.url} label={t('install.linkMade')} />
              <Text>
                {t('install.linkUntil')} <Time at={link.expiresAt} />
              </Text>
            </Stack>
          </Alert>
        )}
        {mayChange && page.access === 'protected' && <MakeLink slug={slug} page={page} onMade={setLink} />}
        {mayChange && <ChangePage slug={slug} page={page} />}
      </Stack>
      <QrCode text={shown} label={t('install.qr', { url: shown })} />
    </div>
  )
}

function MakeLink({ slug, page, onMade }: { slug: string; page: InstallPage; onMade: (link: InstallLink) => void }) {
  const { t } = useTranslation('app-versions')
  const api = useApi()
  const [days, setDays] = useState(7)
  const make = useChange({
    change: () => api.makeInstallLink(slug, page.channel, { expiresInHours: days * 24 }),
    onDone: onMade,
  })
  return (
    <Stack gap="xs">
      <Group gap="sm" align="flex-end">
        <NumberInput
          label={t('install.days')}
          min={1}
          max={365}
          allowDecimal={false}
          value={days}
          onChange={(value) => setDays(Number(value) || 1)}
          w="10rem"
        />
        <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
          {t('install.makeLink')}
        </Button>
      </Group>
      <ProblemPanel error={make.error} />
    </Stack>
  )
}

function ChangePage({ slug, page }: { slug: string; page: InstallPage }) {
  const { t } = useTranslation('app-versions')
  const api = useApi()
  const [isClosing, setIsClosing] = useState(false)
  const [isChanging, setIsChanging] = useState(false)
  const close = useChange({
    change: () => api.closeInstallPage(slug, page.channel),
    invalidates: [appKey(slug, 'install-pages')],
    done: t('install.closed'),
  })
  if (isChanging) {
    return <PageForm slug={slug} channel={page.channel} access={page.access} onDone={() => setIsChanging(false)} />
  }
  return (
    <Group gap="sm">
      <Button variant="default" onClick={() => setIsChanging(true)}>
        {t('install.change')}
      </Button>
      <Button variant="subtle" color="red" onClick={() => setIsClosing(true)}>
        {t('install.close')}
      </Button>
      <Confirm
        opened={isClosing}
        onClose={() => setIsClosing(false)}
        title={t('install.closeTitle', { channel: page.channel })}
        action={t('install.close')}
        isDangerous
        onConfirm={() => close.mutateAsync()}
      >
        {t('install.closeAbout')}
      </Confirm>
    </Group>
  )
}

function Closed({ slug, channel, mayChange }: { slug: string; channel: string; mayChange: boolean }) {
  const { t } = useTranslation('app-versions')
  const [isOpening, setIsOpening] = useState(false)
  if (isOpening) {
    return (
      <div className={classes.install}>
        <PageForm slug={slug} channel={channel} access="open" onDone={() => setIsOpening(false)} />
      </div>
    )
  }
  return (
    <Empty
      title={t('install.none')}
      action={mayChange && <Button onClick={() => setIsOpening(true)}>{t('install.open')}</Button>}
    >
      {t('install.noneAbout')}
    </Empty>
  )
}

function PageForm({
  slug,
  channel,
  access: before,
  onDone,
}: {
  slug: string
  channel: string
  access: InstallPage['access']
  onDone: () => void
}) {
  const { t } = useTranslation('app-versions')
  const { t: tg } = useTranslation('ground')
  const api = useApi()
  const [access, setAccess] = useState(before)
  const [password, setPassword] = useState('')
  const open = useChange({
    change: () => api.openInstallPage(slug, channel, { access, ...(password !== '' && { password }) }),
    invalidates: [appKey(slug, 'install-pages')],
    done: t('install.opened'),
    onDone,
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        open.mutate()
      }}
    >
      <Stack gap="md">
        <Radio.Group label={t('install.whom')} value={access} onChange={(value) => setAccess(value)}>
          <Stack gap="xs" mt="xs">
            <Radio value="open" label={t('install.access.open')} description={t('install.openAbout')} />
            <Radio value="protected" label={t('install.access.protected')} description={t('install.protectedAbout')} />
          </Stack>
        </Radio.Group>
        {access === 'protected' && (
          <PasswordInput
            label={t('install.password')}
            description={t('install.passwordHint')}
            minLength={8}
            maxLength={200}
            autoComplete="new-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
        )}
        <ProblemPanel error={open.error} />
        <Group gap="sm">
          <Button type="submit" loading={open.isPending}>
            {t('install.save')}
          </Button>
          <Button variant="default" onClick={onDone}>
            {tg('cancel')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
