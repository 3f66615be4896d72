// The page behind a dialog stays where it is. Mantine's own way would write an inline style element.
import { useLayoutEffect } from 'react'

let locks = 0

export function useScrollLock(locked: boolean) {
  useLayoutEffect(() => {
    if (!locked) return
    const { documentElement: root } = document
    if (locks === 0) root.style.setProperty('--scroll-bar', `${innerWidth - root.clientWidth}px`)
    locks += 1
    root.setAttribute('data-locked', '')
    return () => {
      locks -= 1
      if (locks === 0) root.removeAttribute('data-locked')
    }
  }, [locked])
}
