// Dragging, with the pointer and with the keyboard (space, arrows, space), and what is said meanwhile.
import { KeyboardSensor, MouseSensor, TouchSensor, useSensor, useSensors, type Announcements, type UniqueIdentifier } from '@dnd-kit/core'
import { sortableKeyboardCoordinates } from '@dnd-kit/sortable'

export function useSortSensors() {
  return useSensors(
    // Some way first, so that a click is not a drag; on touch screens a moment, so that scrolling is not.
    useSensor(MouseSensor, { activationConstraint: { distance: 5 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 180, tolerance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter: sortableKeyboardCoordinates }),
  )
}

export const sortInstructions = {
  draggable: 'Press space to pick it up, the arrow keys to move it, space to drop it and escape to leave it where it was.',
}

export function announcementsFor(nameOf: (id: UniqueIdentifier) => string): Announcements {
  return {
    onDragStart: ({ active }) => `Picked up ${nameOf(active.id)}`,
    // It begins over itself, and "picked up" must stay to be read.
    onDragOver: ({ active, over }) => over?.id === active.id ? undefined : (over ? `${nameOf(active.id)} is over ${nameOf(over.id)}` : `${nameOf(active.id)} is over nothing`),
    onDragEnd: ({ active, over }) => (over ? `Dropped ${nameOf(active.id)} at ${nameOf(over.id)}` : `${nameOf(active.id)} is where it was`),
    onDragCancel: ({ active }) => `${nameOf(active.id)} is where it was`,
  }
}
