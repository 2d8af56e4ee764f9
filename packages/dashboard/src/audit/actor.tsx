import type { AuditEntry } from '@hotpatch/api'
import { Badge, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'

const KINDS = ['person', 'token', 'server', 'guard', 'plan']

/** Who did it; of what the server does by itself, the kind is the name. */
export function Actor({ entry: { actorName, actorKind } }: { entry: Pick<AuditEntry, 'actorName' | 'actorKind'> }) {
  const { t } = useTranslation('audit')
  const kind = KINDS.includes(actorKind) ? t(`kinds.${actorKind}`) : actorKind
  return (
    <Group gap={6} wrap="nowrap">
      <span>{actorName === actorKind ? kind : actorName}</span>
      {actorName !== actorKind && (
        <Badge size="sm" color="gray">
          {kind}
        </Badge>
      )}
    </Group>
  )
}
