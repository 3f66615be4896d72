// A link within the page: an ordinary one for the browser, without a reload for the person.
import type { AnchorHTMLAttributes, MouseEvent, ReactNode, Ref } from 'react'
import { hrefOf, navigate, type Place } from './router'

type Props = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & { to: Place; children: ReactNode; ref?: Ref<HTMLAnchorElement> }

export function Link({ to, onClick, children, ...others }: Props) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
  }
  return (
    <a {...others} href={hrefOf(to)} onClick={follow}>
      {children}
    </a>
  )
}
