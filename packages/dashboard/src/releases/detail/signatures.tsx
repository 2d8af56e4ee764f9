import type { AddedSignature, Release, SigningKey } from '@hotpatch/api'
import { Alert, Badge, Code, Stack, Text } from '@mantine/core'
import { IconShieldCheck, IconShieldX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { CopyValue } from '../../ground/copy-command.tsx'
import { Section } from '../../ground/page.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { Empty, Loading } from '../../ground/states.tsx'
import { DataTable, type Column } from '../../ground/tables/data-table.tsx'
import { Time } from '../../ground/time.tsx'
import { isSigned } from '../release-facts.ts'
import classes from '../releases.module.css'
import { Fact } from './release-overview.tsx'
import { bytesOf, verifySignature } from './verify-signature.ts'

const ALGORITHMS = ['ed25519', 'rsa', 'minisign', 'sparkle-ed25519'] as const

/** What its publisher has signed of it, with which key, and whether that can be seen here. */
export default function Signatures({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const { data: keys, error } = useQuery({
    queryKey: appKey(slug, 'keys', 'all'),
    queryFn: async () =>
      (await Promise.all(ALGORITHMS.map((each) => api.listKeys(slug, each)))).flatMap((page) => page.items),
  })
  if (!isSigned(release)) return <Unsigned slug={slug} />
  if (error) return <ProblemPanel error={error} />
  if (!keys) return <Loading rows={4} />
  return (
    <Stack gap="lg">
      {release.statement !== null && release.statementSignature !== null && (
        <Statement release={release} signature={release.statementSignature} keys={keys} />
      )}
      {release.statement === null && release.signature !== null && (
        <Section title={t('signatures.digest')} about={t('signatures.digestAbout')}>
          <dl className={classes.facts}>
            <KeyFact signingKey={keys.find(({ id }) => id === release.keyId)} />
          </dl>
        </Section>
      )}
      {release.signatures && release.signatures.length > 0 && (
        <Section title={t('signatures.others')} about={t('signatures.othersAbout')}>
          <OtherSignatures signatures={release.signatures} keys={keys} />
        </Section>
      )}
    </Stack>
  )
}

function Unsigned({ slug }: { slug: string }) {
  const { t } = useTranslation('releases')
  return (
    <Empty
      title={t('signatures.none')}
      commands={[
        { about: t('signatures.makeKey'), command: 'npx hotpatch keys generate' },
        { about: t('signatures.addKey'), command: `npx hotpatch keys add --app ${slug}` },
      ]}
    >
      {t('signatures.noneAbout')}
    </Empty>
  )
}

function Statement({ release, signature, keys }: { release: Release; signature: string; keys: readonly SigningKey[] }) {
  const { t } = useTranslation('releases')
  const statement = release.statement ?? ''
  const key = keys.find(({ id }) => id === release.keyId)
  const { data: verified } = useQuery({
    queryKey: ['app', release.appId, 'verified', release.id, key?.publicKey],
    queryFn: async () => (await verifySignature(key?.publicKey ?? '', bytesOf(statement), signature)) ?? null,
    enabled: key !== undefined,
    staleTime: Infinity,
    meta: { isLive: false },
  })
  return (
    <Section title={t('signatures.statement')} about={t('signatures.statementAbout')}>
      <Stack gap="md">
        <Verified verified={verified} hasKey={key !== undefined} />
        <dl className={classes.facts}>
          <KeyFact signingKey={key} />
          <Fact label={t('facts.sequence')}>{release.sequence}</Fact>
          <Fact label={t('signatures.signature')}>
            <CopyValue value={signature} shown={`${signature.slice(0, 16)}…`} />
          </Fact>
        </dl>
        <Code block className={classes.statement} tabIndex={0} aria-label={t('signatures.statement')}>
          {readable(statement)}
        </Code>
      </Stack>
    </Section>
  )
}

function Verified({ verified, hasKey }: { verified: boolean | null | undefined; hasKey: boolean }) {
  const { t } = useTranslation('releases')
  if (!hasKey) return <Alert color="gray">{t('signatures.keyGone')}</Alert>
  if (verified === undefined) return null
  if (verified === false) {
    return (
      <Alert color="red" icon={<IconShieldX aria-hidden />} title={t('signatures.wrong')}>
        {t('signatures.wrongAbout')}
      </Alert>
    )
  }
  return (
    <Alert color="teal" icon={<IconShieldCheck aria-hidden />} title={t('signatures.verified')}>
      {t(verified === null ? 'signatures.byServer' : 'signatures.byBrowser')}
    </Alert>
  )
}

function KeyFact({ signingKey }: { signingKey: SigningKey | undefined }) {
  const { t } = useTranslation('releases')
  return (
    <Fact label={t('signatures.key')}>
      {signingKey ? (
        <>
          {signingKey.name || t('signatures.unnamed')}{' '}
          {signingKey.revokedAt !== null && <Badge color="red">{t('signatures.revoked')}</Badge>}
          <Text size="xs" c="dimmed">
            {t('signatures.addedBy', { name: signingKey.createdBy })} · <Time at={signingKey.createdAt} />
          </Text>
          <CopyValue value={signingKey.publicKey} shown={`${signingKey.publicKey.slice(0, 20)}…`} />
        </>
      ) : (
        t('signatures.keyUnknown')
      )}
    </Fact>
  )
}

function OtherSignatures({ signatures, keys }: { signatures: readonly AddedSignature[]; keys: readonly SigningKey[] }) {
  const { t } = useTranslation('releases')
  const columns: Column<AddedSignature>[] = [
    { id: 'scheme', header: t('signatures.scheme'), phone: 'title', cell: ({ scheme }) => scheme },
    {
      id: 'key',
      header: t('signatures.key'),
      cell: ({ keyId }) => keys.find(({ id }) => id === keyId)?.name ?? <code>{keyId}</code>,
    },
    {
      id: 'subject',
      header: t('signatures.subject'),
      cell: ({ subject }) => <code title={subject}>{subject.slice(0, 12)}…</code>,
    },
    {
      id: 'value',
      header: t('signatures.signature'),
      cell: ({ value }) => <CopyValue value={value} shown={`${value.slice(0, 16)}…`} />,
    },
  ]
  return (
    <DataTable
      label={t('signatures.others')}
      columns={columns}
      rows={signatures}
      rowKey={({ scheme, subject }) => `${scheme} ${subject}`}
      empty={null}
    />
  )
}

/** The exact bytes are what counts; indented, people can read them. */
function readable(statement: string): string {
  const text = new TextDecoder().decode(bytesOf(statement))
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text // shown as it is
  }
}
