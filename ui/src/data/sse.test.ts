import { expect, test } from 'vitest'
import { FrameReader } from './sse'

test('frames come whole, however they are cut', () => {
  const text = ': hello\n\nid: e-1\ndata: {"a":1}\n\nid: e-2\r\ndata: one\r\ndata: two\r\n\r\ndata:x\n\nid: lonely\n\n'
  const whole = [
    { id: 'e-1', data: '{"a":1}' },
    { id: 'e-2', data: 'one\ntwo' },
    { id: null, data: 'x' },
  ]
  for (let size = 1; size <= text.length; size++) {
    const reader = new FrameReader()
    const frames = []
    for (let at = 0; at < text.length; at += size) frames.push(...reader.push(text.slice(at, at + size)))
    expect(frames).toEqual(whole)
  }
})
