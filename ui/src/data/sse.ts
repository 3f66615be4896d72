// Frames of Server-Sent Events (WHATWG HTML, section 9.2) from a stream of text. EventSource itself cannot send the
// Authorization header.

export interface Frame {
  id: string | null
  data: string
}

/** Collects chunks of text; `push` gives the frames that are complete. */
export class FrameReader {
  private rest = ''
  private id: string | null = null
  private data: string[] = []

  push(chunk: string): Frame[] {
    const frames: Frame[] = []
    const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (this.data.length > 0) frames.push({ id: this.id, data: this.data.join('\n') })
        this.data = []
        this.id = null
      } else this.take(line)
    }
    return frames
  }

  private take(line: string) {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') this.data.push(value)
    else if (field === 'id') this.id = value
  }
}
