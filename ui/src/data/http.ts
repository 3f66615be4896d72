// One request to the service, with its envelope taken off.
import { token } from './token'

/** The service answered, and the answer is no. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Dotted field to message, of a validation error. */
    readonly fields: Record<string, string> = {},
  ) {
    super(message)
  }
}

/** The service did not answer. */
export class UnreachableError extends Error {
  constructor() {
    super('The service cannot be reached. Nothing was changed; try again when the connection is back.')
  }
}

export interface Answer<T> {
  data: T
  etag: string
}

interface Envelope {
  success: boolean
  data?: unknown
  error?: string
}

interface Options {
  body?: unknown
  etag?: string
}

export function headersWith(extra: Record<string, string> = {}): Record<string, string> {
  const known = token()
  return known ? { ...extra, Authorization: `Bearer ${known}` } : extra
}

function isEnvelope(value: unknown): value is Envelope {
  return typeof value === 'object' && value !== null && 'success' in value
}

const patience = 30_000

export async function request<T>(method: string, path: string, { body, etag }: Options = {}): Promise<Answer<T>> {
  const headers: Record<string, string> = {}
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  if (etag !== undefined) headers['If-Match'] = etag
  let response: Response
  let text: string
  try {
    response = await fetch(path, {
      method,
      headers: headersWith(headers),
      body: body === undefined ? null : JSON.stringify(body),
      cache: 'no-store',
      signal: AbortSignal.timeout(patience),
    })
    text = await response.text()
  } catch {
    throw new UnreachableError()
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ApiError(response.status, `The service answered ${response.status} with something that is not JSON`)
  }
  if (isEnvelope(value) && value.success) return { data: value.data as T, etag: response.headers.get('ETag') ?? '' }
  const error = isEnvelope(value) ? value : { success: false }
  const fields = error.data && typeof error.data === 'object' ? (error.data as Record<string, string>) : {}
  throw new ApiError(response.status, error.error ?? `The service answered ${response.status}`, fields)
}
