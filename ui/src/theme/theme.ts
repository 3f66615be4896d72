// Mantine with our colours. Its variables are in tokens.css: it would put them into an inline style element, which the
// content security policy forbids. For the same reason dialogs do not lock the scrolling its way (see shared/scroll_lock.ts), and no
// component with responsive style props is used.
import { Checkbox, createTheme, type MantineColorsTuple, Modal, NumberInput, Select, Tooltip } from '@mantine/core'

const shade = (index: number) => `var(--mantine-color-accent-${index})`
const accent = Array.from({ length: 10 }, (_, index) => shade(index)) as unknown as MantineColorsTuple

// A dialog's header is no banner of the page.
const dialogAttributes = { header: { role: 'presentation' } }

export const theme = createTheme({
  primaryColor: 'accent',
  colors: { accent },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({
      defaultProps: {
        lockScroll: false,
        centered: true,
        radius: 'lg',
        attributes: dialogAttributes,
        transitionProps: { duration: 0 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    }),
    NumberInput: NumberInput.extend({ defaultProps: { hideControls: true, allowDecimal: false, clampBehavior: 'none' } }),
    Select: Select.extend({ defaultProps: { comboboxProps: { transitionProps: { duration: 0 }, shadow: 'md', withinPortal: false } } }),
    Checkbox: Checkbox.extend({ defaultProps: { radius: 'sm' } }),
    Tooltip: Tooltip.extend({ defaultProps: { events: { hover: true, focus: true, touch: true }, transitionProps: { duration: 0 }, openDelay: 250 } }),
  },
})
