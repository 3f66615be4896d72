// What the service's REST interface and its events say (openapi.json is the reference).

export type State = 'online' | 'offline' | 'expiring' | 'expired' | 'untrusted' | 'mismatched-name' | 'unknown'

export interface Certificate {
  subject: string
  issuer: string
  serial: string
  notBefore: string
  notAfter: string
  daysLeft: number
  sans: string[]
  chainOk: boolean
  chainError?: string
  nameOk: boolean
  tlsVersion: string
}

export interface ServerStatus {
  id: string
  name: string
  ip: string
  dnsAddress: string
  port: number
  protocol: string
  tags: string[]
  isOnline: boolean
  state: State
  consecutiveSuccesses: number
  consecutiveFailures: number
  lastChecked: string | null
  lastStatusChange: string | null
  latencyMs: number | null
  error?: string
  expiryWarningDays: number
  certificate: Certificate | null
}

export interface Group {
  id: string
  name: string
  order: number
  serverIds: string[]
  rowNumber: number
  rowOrder: number
}

export interface ServerConfig {
  id: string
  name: string
  ip?: string | null
  dnsAddress?: string | null
  port: number
  protocol: string
  serverName?: string | null
  checkIntervalSeconds: number
  consecutiveSuccesses: number
  consecutiveFailures: number
  expiryWarningDays: number
  caBundle?: string | null
  tags?: string[] | null
}

/** A certificate of the store on the service's machine. */
export interface StoreCertificate {
  name: string
  sans: string[]
  issuer: string
  serial: string
  notBefore: string
  notAfter: string
  daysLeft: number
  state: string
  reason?: string
}

export interface Session {
  mayRead: boolean
  mayWrite: boolean
  who: string
  version: string
}

export type ServiceEvent =
  | { type: 'connected'; timestamp: string; lastEventId?: string | null }
  | { type: 'initial'; servers: ServerStatus[]; groups: Group[]; configError: string | null }
  | { type: 'statusChange' | 'certificateChange' | 'serverAdded' | 'serverUpdated'; server: ServerStatus }
  | { type: 'serverRemoved'; id: string }
  | { type: 'groupsChanged'; groups: Group[] }
  | { type: 'configError'; message: string | null; file?: string }
  | { type: 'heartbeat'; timestamp: string }
