import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { isApprovalAwaited } from './approval-notice.tsx'

/**
 * Something that changes the server. What it makes out of date is read again before it counts as done. Its `error` is for a
 * ProblemPanel beside the form, where what was typed stays.
 * @param done said when it is done, such as "Rollout paused"
 */
export function useChange<Input = void, Answer = unknown>({
  change,
  invalidates = [],
  done,
  onDone,
}: {
  change: (input: Input) => Promise<Answer>
  invalidates?: readonly (readonly unknown[])[]
  done?: string | ((answer: Answer) => string)
  onDone?: (answer: Answer, input: Input) => void
}) {
  const queries = useQueryClient()
  return useMutation<Answer, unknown, Input>({
    mutationFn: change,
    // It was proposed: what is there now waits for somebody.
    onError: (error) => {
      if (isApprovalAwaited(error)) for (const queryKey of invalidates) void queries.invalidateQueries({ queryKey })
    },
    onSuccess: async (answer, input) => {
      await Promise.all(invalidates.map((queryKey) => queries.invalidateQueries({ queryKey })))
      const message = typeof done === 'function' ? done(answer) : done
      if (message !== undefined) notifications.show({ message, color: 'teal' })
      onDone?.(answer, input)
    },
  })
}
