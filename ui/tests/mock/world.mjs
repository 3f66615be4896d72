// Servers, groups and certificates for the mock server: nothing, a few, or many. Always the same ones.

export const day = 86_400_000

function at(now, days) {
  return new Date(now + days * day).toISOString().replace(/\.\d+Z/, 'Z')
}

export function certificate(now, { name, days, issuer = 'CN=R11, O=Let’s Encrypt, C=US', life = 90, chainError, nameOk = true }) {
  return {
    subject: `CN=${name}`,
    issuer,
    serial: `04a7${Buffer.from(name).toString('hex').slice(0, 20)}`,
    notBefore: at(now, days - life),
    notAfter: at(now, days + 0.4),
    daysLeft: days,
    sans: [name, `www.${name}`],
    chainOk: chainError === undefined,
    ...(chainError ? { chainError } : {}),
    nameOk,
    tlsVersion: 'TLSv1.3',
  }
}

export function statusOf(server, now, how = {}) {
  const { state = 'unknown', days = 64, latency = 23, error, issuer, life } = how
  const watched = state !== 'unknown'
  const isOnline = watched && state !== 'offline'
  const withCertificate = watched && server.protocol !== 'tcp' && !(state === 'offline' && how.days === undefined)
  const name = server.dnsAddress || server.ip
  return {
    id: server.id,
    name: server.name,
    ip: server.ip ?? '',
    dnsAddress: server.dnsAddress ?? '',
    port: server.port,
    protocol: server.protocol,
    tags: server.tags ?? [],
    isOnline,
    state,
    consecutiveSuccesses: isOnline ? 12 : 0,
    consecutiveFailures: isOnline ? 0 : 4,
    lastChecked: watched ? at(now, -8 / 86_400) : null,
    lastStatusChange: watched ? at(now, -1.3) : null,
    latencyMs: isOnline ? latency : null,
    ...(error ? { error } : {}),
    expiryWarningDays: server.expiryWarningDays,
    certificate: withCertificate
      ? certificate(now, { name, days, issuer, life, chainError: state === 'untrusted' ? 'self-signed certificate in the chain' : undefined, nameOk: state !== 'mismatched-name' })
      : null,
  }
}

const defaults = { port: 443, protocol: 'tls', checkIntervalSeconds: 30, consecutiveSuccesses: 3, consecutiveFailures: 3, expiryWarningDays: 30 }
const privateCa = 'CN=Example Devices Root, O=Example GmbH, C=DE'

const few = [
  [{ name: 'Web shop', dnsAddress: 'shop.example.com', tags: ['prod', 'eu'] }, { state: 'online', days: 71, latency: 18 }],
  [{ name: 'Payments API', dnsAddress: 'api.pay.example.com', port: 8443, protocol: 'https', tags: ['prod'] }, { state: 'expiring', days: 12, latency: 41 }],
  [{ name: 'Customer portal', dnsAddress: 'portal.example.com', tags: ['prod'] }, { state: 'online', days: 48, latency: 27 }],
  [{ name: 'Mail gateway', ip: '192.0.2.25', dnsAddress: 'mx1.example.com', port: 465 }, { state: 'expired', days: -3, latency: 33 }],
  [{ name: 'VPN Frankfurt', ip: '2001:db8:40::7', port: 1194, protocol: 'tcp' }, { state: 'offline', error: 'connection refused' }],
  [{ name: 'Build cache', dnsAddress: 'cache.build.internal', port: 9443, caBundle: '/etc/ssl/private-ca.pem' }, { state: 'online', days: 310, life: 365, issuer: privateCa, latency: 3 }],
]

const words = ['edge', 'api', 'shop', 'mail', 'vpn', 'git', 'wiki', 'cache', 'auth', 'files', 'queue', 'metrics']
const places = ['fra', 'ams', 'nyc', 'sgp', 'syd']
const rare = { 7: { state: 'expiring', days: 6 }, 13: { state: 'offline', error: 'connection timed out' }, 22: { state: 'expired', days: -12 }, 31: { state: 'untrusted', days: 200, life: 365, issuer: privateCa }, 38: { state: 'mismatched-name', days: 55 }, 44: { state: 'expiring', days: 21 }, 45: { state: 'expiring', days: 28 }, 52: { state: 'unknown' } } // prettier-ignore

function many(count) {
  return Array.from({ length: count }, (_, index) => {
    const name = `${words[index % words.length]}-${places[index % places.length]}-${String(1 + Math.floor(index / 12)).padStart(2, '0')}`
    const how = rare[index] ?? { state: 'online', days: 31 + ((index * 37) % 58), latency: 4 + ((index * 13) % 90) }
    return [{ name, dnsAddress: `${name}.example.net`, tags: [places[index % places.length]] }, how]
  })
}

function group(id, name, rowNumber, rowOrder, serverIds) {
  return { id: `group-${id}`, name, order: id, rowNumber, rowOrder, serverIds }
}

function ids(from, to) {
  return Array.from({ length: to - from + 1 }, (_, index) => `server-${String(from + index).padStart(3, '0')}`)
}

const layouts = {
  empty: [],
  few: [group(1, 'Public', 1, 1, ids(1, 3)), group(2, 'Infrastructure', 1, 2, ids(4, 5))],
  many: [
    group(1, 'Frankfurt', 1, 1, ids(1, 16)),
    group(2, 'Amsterdam', 1, 2, ids(17, 24)),
    group(3, 'New York', 2, 1, ids(25, 34)),
    group(4, 'Singapore', 2, 2, ids(35, 40)),
    group(5, 'Sydney (disaster recovery)', 2, 3, ids(41, 43)),
    group(6, 'Shared services', 3, 1, ids(44, 57)),
  ],
}

export function makeWorld(size, now) {
  const listed = size === 'few' ? few : size === 'many' ? many(60) : size === 'empty' ? [] : many(Number(size))
  const servers = listed.map(([server], index) => ({ id: `server-${String(index + 1).padStart(3, '0')}`, ...defaults, ...server }))
  const statuses = new Map(servers.map((server, index) => [server.id, statusOf(server, now, listed[index][1])]))
  const store = size === 'empty' ? [] : [
    { name: 'shop.example.com', days: 71 },
    { name: 'intranet.example.com', days: 17 },
  ] // prettier-ignore
  const certificates = store.map(({ name, days }) => ({ ...certificate(now, { name, days }), name, state: days < 30 ? 'due' : 'valid', reason: '' }))
  return { servers, statuses, groups: structuredClone(layouts[size] ?? []), certificates }
}
