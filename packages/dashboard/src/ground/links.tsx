import { Anchor, Button, type AnchorProps, type ButtonProps } from '@mantine/core'
import { createLink, type LinkProps } from '@tanstack/react-router'
import type { ReactNode, Ref } from 'react'

function PlainButton({ ref, ...props }: ButtonProps & { ref?: Ref<HTMLAnchorElement>; href?: string }) {
  return <Button component="a" {...(ref && { ref })} {...props} />
}

function PlainAnchor({ ref, ...props }: AnchorProps & { ref?: Ref<HTMLAnchorElement>; href?: string }) {
  return <Anchor {...(ref && { ref })} {...props} />
}

const AnyButtonLink = createLink(PlainButton)
const AnyTextLink = createLink(PlainAnchor)

/** To where a link goes. */
export interface Destination {
  /** A page that there is: the router knows them all. */
  to: Exclude<LinkProps['to'], '.' | '..' | undefined>
  params?: Record<string, string>
  search?: Record<string, unknown>
}

/** A link that looks like a button: for what goes to another page. */
export function ButtonLink(props: Destination & ButtonProps & { children: ReactNode }) {
  return <AnyButtonLink {...(props as object as Parameters<typeof AnyButtonLink>[0])} />
}

/** Within a text. */
export function TextLink(props: Destination & AnchorProps & { children: ReactNode }) {
  return <AnyTextLink {...(props as object as Parameters<typeof AnyTextLink>[0])} />
}

/** For what is made into a link by its `component`, and knows nothing of pages itself. */
export function toPage(destination: Destination): object {
  return destination
}
