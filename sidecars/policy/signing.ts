/**
 * Which requests can be signed for AWS so that the service reads what was signed: whoever checks a signature takes path
 * and query apart, and has to come to the same parts. Pure.
 */
import type { SignedAuth } from '../../src/model/policy.ts'
import type { RuleId } from './rules.ts'

interface Signable {
  readonly path: string
  readonly query: string
  readonly headers: readonly (readonly [string, string])[]
}

/** Services of S3 sign the path as it is named, not as it is sent, and take bodies that are not part of the signature. */
export function isObjectStore(service: string): boolean {
  return service === 's3' || service === 's3express' || service.startsWith('s3-')
}

/** Why a request that is allowed cannot be signed; undefined: it can be. */
export function unsignable({ service }: SignedAuth, request: Signable): RuleId | undefined {
  const { path, query, headers } = request
  if (headers.some(([name, value]) => isPieced(name.replaceAll('_', '-'), value))) return 'signing-pieces'
  // A space or a plus, depending on who reads it.
  if (/[+;]/.test(query) || (isObjectStore(service) && path.includes('+'))) return 'signing-unclear'
  return isDecodable(query) ? undefined : 'signing-unclear'
}

function isPieced(name: string, value: string): boolean {
  if (name === 'x-amz-decoded-content-length') return true
  return name === 'content-encoding' && /(?:^|[\s,])aws-chunked(?:$|[\s,])/i.test(value)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
