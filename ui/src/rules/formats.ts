// The formats and character classes that rules.json names.

const classes: Record<string, string> = {
  letters: '\\p{L}',
  marks: '\\p{M}',
  digits: '\\p{Nd}',
  'ascii-letters': 'A-Za-z',
  'ascii-digits': '0-9',
  space: ' ',
  printable: '\\u0020-\\u007e\\u00a0-\\u{10ffff}',
}

/** Whether `text` is made of the named classes and of the single characters that end the list. */
export function hasOnly(characters: string, text: string): boolean {
  const inside = characters.split(' ').map((name) => classes[name] ?? name.replace(/[\\\]^[(){}/|-]/g, '\\$&'))
  return new RegExp(`^[${inside.join('')}]*$`, 'u').test(text)
}

function isIpv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
}

/** How many 16-bit groups the text names; NaN when it is none. An IPv4 address may be the last two. */
function groupsOf(text: string, mayEndInIpv4: boolean): number {
  if (text === '') return 0
  const parts = text.split(':')
  let count = 0
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) count += 1
    else if (mayEndInIpv4 && index === parts.length - 1 && isIpv4(part)) count += 2
    else return NaN
  }
  return count
}

function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  const [front = '', back] = halves
  if (back === undefined) return groupsOf(front, true) === 8
  // "::" stands for at least one group of zeros (RFC 4291, section 2.2).
  return groupsOf(front, false) + groupsOf(back, true) <= 7
}

/** An IPv4 address with four decimal parts, or an IPv6 address without a zone. */
export function isIpAddress(text: string): boolean {
  return isIpv4(text) || isIpv6(text)
}

/** A host name of letters, digits and hyphens (RFC 1123) that cannot be mistaken for an IPv4 address. */
export function isHostName(text: string): boolean {
  if (text.length > 253) return false
  const labels = text.split('.')
  return labels.every((label) => /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(label)) && !/^[0-9]+$/.test(labels.at(-1) ?? '')
}
