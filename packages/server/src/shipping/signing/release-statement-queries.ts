import type { Connection } from '../../ground/database/schema.ts'

/** Signing §6: all texts that state a release: its own, those of rollouts that state it again, and of prepared steps back. */
export async function listStatementTexts(db: Connection, releaseId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('statement')
    .select('statement.text')
    .where('statement.id', 'in', (statements) =>
      statements
        .selectFrom('release')
        .select('statement_id')
        .where('release.id', '=', releaseId)
        .where('statement_id', 'is not', null)
        .union(
          statements
            .selectFrom('rollout')
            .select('statement_id')
            .where('rollout.release_id', '=', releaseId)
            .where('statement_id', 'is not', null),
        )
        .union(statements.selectFrom('step_back').select('statement_id').where('step_back.release_id', '=', releaseId))
        .$castTo<{ statement_id: string }>(),
    )
    .execute()
  return rows.map(({ text }) => text)
}
