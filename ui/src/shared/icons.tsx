// Line icons on a grid of 24. They are decoration: a text always stands beside them or in the control's label.
import type { ReactNode } from 'react'

const paths = {
  online: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M8.5 12.2l2.5 2.5l4.7-5',
  offline: 'M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3zM9 9l6 6M15 9l-6 6',
  expiring: 'M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7v5l3.2 2',
  expired: 'M12 3.5L22 20.5H2zM12 10v4.5M12 17.3v.2',
  untrusted: 'M12 3l7.5 2.8V12c0 4.5-3.2 7.6-7.5 9c-4.3-1.4-7.5-4.5-7.5-9V5.8zM9.5 9.5l5 5M14.5 9.5l-5 5',
  'mismatched-name': 'M5 9.5h14M5 14.5h14M16 5L8 19',
  unknown: 'M12 3a9 9 0 0 1 4 1M19.5 7a9 9 0 0 1 1.4 4M20.5 15a9 9 0 0 1-2.5 3.7M14 20.8a9 9 0 0 1-5-.4M5.5 18a9 9 0 0 1-2.2-4M3.3 10A9 9 0 0 1 6 5.3M9.5 3.4A9 9 0 0 1 12 3M9.7 9.3a2.4 2.4 0 1 1 3.4 2.2c-.8.4-1.1.9-1.1 1.7M12 16.3v.2',
  plus: 'M12 5v14M5 12h14',
  close: 'M6 6l12 12M18 6L6 18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  up: 'M12 19V5M6 11l6-6l6 6',
  down: 'M12 5v14M6 13l6 6l6-6',
  grip: 'M9 5.5v.1M15 5.5v.1M9 12v.1M15 12v.1M9 18.5v.1M15 18.5v.1',
  trash: 'M4 7h16M9.5 7V4h5v3M6.5 7l1 13h9l1-13M10.3 11v5.5M13.7 11v5.5',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13M15.5 15.5L20 20',
  menu: 'M4 6.5h16M4 12h16M4 17.5h16',
  sun: 'M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  moon: 'M20 14.3A8.3 8.3 0 0 1 9.7 4A8.3 8.3 0 1 0 20 14.3z',
  system: 'M3.5 5h17v11.5h-17zM8.5 20.5h7M12 16.5v4',
  key: 'M8 11.5a4 4 0 1 0 0 8a4 4 0 1 0 0-8M10.8 12.7L20 3.5M16 7.5l3 3',
  server: 'M4 4.5h16v6H4zM4 13.5h16v6H4zM7.5 7.5v.1M7.5 16.5v.1M11 7.5h5M11 16.5h5',
  group: 'M4 4.5h7v7H4zM13.5 4.5H20v4h-6.5zM13.5 11.5H20v8h-6.5zM4 14.5h7v5H4z',
  store: 'M5 3.5h9l5 5v12H5zM13.5 3.5v5.5H19M8.5 13h7M8.5 16.5h4.5',
  warning: 'M12 3.5L22 20.5H2zM12 10v4.5M12 17.3v.2',
  back: 'M19 12H5M11 6l-6 6l6 6',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 16 }: { name: IconName; size?: number }): ReactNode {
  const width = name === 'grip' ? 2.6 : 1.8
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={width} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
