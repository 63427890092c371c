/** Requests that got no answer, in words: names, connections, certificates, time. */
import type { ForgeError, RequestFate } from '../../model/forge-error.ts'
import { failed } from './failures.ts'
import type { Operation } from './failures.ts'
import { AnswerTooLarge, BODY_MAX, NoAnswer } from './request.ts'
import type { Endpoint } from './endpoint.ts'

export function unanswered(operation: Operation, { host, port }: Endpoint, thrown: unknown): ForgeError {
  const { sent, cause } = thrown instanceof NoAnswer ? thrown : { sent: false, cause: thrown }
  const fate: RequestFate = sent ? 'unknown' : 'unsent'
  const at = `${host}:${port}`
  const { code = '', message = '' } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : {}
  if (cause instanceof AnswerTooLarge)
    return failed(operation, `its answer is larger than ${BODY_MAX / 1024 / 1024} MB`, {
      code: 'forge-too-large',
      fate,
      hint: 'check that `api` is the URL of the API',
    })
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return failed(operation, `the name ${host} cannot be resolved (${code})`, {
      code: 'forge-name',
      fate,
      transient: code === 'EAI_AGAIN',
      hint: 'check `api`, and the resolver of this machine',
    })
  if (isTls(code, message))
    return failed(operation, `${at} shows no certificate that is trusted here: ${code || message}`, {
      code: 'forge-tls',
      fate,
      hint: 'name its authority under `uplink.trust`; a certificate for another name, or an expired one, has to be mended there',
    })
  if (code.startsWith('HPE_'))
    return failed(operation, `${at} does not speak HTTP (${code})`, {
      code: 'forge-not-http',
      fate,
      hint: 'check scheme and port under `api`',
    })
  if (!sent)
    return failed(operation, `${at} does not take the connection (${code || message})`, {
      code: 'forge-unreachable',
      fate,
      transient: true,
      hint: 'is it up, and reachable from this machine? HTTPS_PROXY and its like are not used for forges',
    })
  return failed(operation, `${at} closed the connection before it had answered (${code || message})`, {
    code: 'forge-gone',
    fate,
    transient: true,
    hint: 'run it again: what was done is found, nothing is done twice',
  })
}

export function tooSlow(operation: Operation, timeoutMs: number, sent: boolean): ForgeError {
  return failed(operation, `no answer within ${timeoutMs / 1000} s`, {
    code: 'forge-timeout',
    fate: sent ? 'unknown' : 'unsent',
    transient: true,
    hint: 'see how the forge is; run it again, nothing is done twice',
  })
}

/** OpenSSL's names of what is wrong with a certificate, and failures of the handshake itself. */
function isTls(code: string, message: string): boolean {
  return (
    /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|INVALID_PURPOSE|HOSTNAME_MISMATCH|EPROTO)/.test(
      code,
    ) || /SSL routines/.test(message)
  )
}
