import { Anchor, Collapse, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconLink } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { CopyCommand, CopyValue } from '../ground/copy-command.tsx'
import { useFigures } from '../ground/figures.ts'
import { SERVER_URL } from '../ground/place.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import classes from './audit.module.css'

/** The end of the chain, and how to find out whether anybody has changed what is before it. */
export function ChainState() {
  const { t } = useTranslation('audit')
  const api = useApi()
  const figures = useFigures()
  const [isOpen, { toggle }] = useDisclosure()
  const { data: head, error } = useQuery({ queryKey: serverKey('audit-head'), queryFn: () => api.getAuditHead() })
  if (error) return <ProblemPanel error={error} />
  if (!head) return null
  const noted = `${head.position}:${head.hash}`
  return (
    <div>
      <div className={classes.chain}>
        <IconLink size={16} aria-hidden />
        <span>{t('chain.sealed', { count: head.position, shown: figures.number(head.position) })}</span>
        {head.waiting > 0 && <span>{t('chain.waiting', { count: head.waiting })}</span>}
        <Anchor component="button" type="button" onClick={toggle} aria-expanded={isOpen}>
          {t('chain.how')}
        </Anchor>
      </div>
      <Collapse expanded={isOpen}>
        <Text mt="xs">{t('chain.about')}</Text>
        <Text mt="xs" component="div">
          {t('chain.end')} <CopyValue value={noted} shown={`${head.position}:${head.hash.slice(0, 12)}…`} />
        </Text>
        <CopyCommand command={`npx hotpatch audit verify --url ${SERVER_URL}`} label={t('chain.how')} />
      </Collapse>
    </div>
  )
}
