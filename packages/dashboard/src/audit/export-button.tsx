import type { AuditFilter } from '@hotpatch/api'
import { Button } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { currentApi, isSignedInWithToken } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { SERVER_URL } from '../ground/place.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'

const FILE = 'audit.ndjson'

/** What is shown, all of it. By a session the browser fetches it by itself; a token only this page has. */
export function ExportButton({ filter }: { filter: AuditFilter }) {
  const { t } = useTranslation('audit')
  const byToken = useChange({ change: () => download(filter) })
  const look = { variant: 'default', leftSection: <IconDownload size={16} aria-hidden /> } as const
  if (!isSignedInWithToken()) {
    const query = new URLSearchParams(filter)
    return (
      <Button {...look} component="a" href={`${SERVER_URL}/manage/v1/audit/export?${query}`} download={FILE}>
        {t('export')}
      </Button>
    )
  }
  return (
    <>
      <ProblemPanel error={byToken.error} />
      <Button {...look} loading={byToken.isPending} onClick={() => byToken.mutate()}>
        {t('export')}
      </Button>
    </>
  )
}

async function download(filter: AuditFilter): Promise<void> {
  const lines: string[] = []
  for await (const line of currentApi().exportAudit(filter)) lines.push(`${JSON.stringify(line)}\n`)
  const address = URL.createObjectURL(new Blob(lines, { type: 'application/x-ndjson' }))
  const link = Object.assign(document.createElement('a'), { href: address, download: FILE })
  link.click()
  URL.revokeObjectURL(address)
}
