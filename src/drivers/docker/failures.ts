/** What a failed engine call means, in words: the object, the operation, the way out. The only place that reads engine error texts. */
import { DriverError } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'
import { EngineRefusal } from './call.ts'

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EPERM',
  'ENOTSOCK',
])
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/** `operation` and `object` complete the sentence "could not <operation> <object>". */
export function failure(operation: string, object: string, cause: unknown, endpoint: string): unknown {
  if (cause instanceof DriverError) return cause
  if (cause instanceof Error && cause.name === 'AbortError') return cause
  const what = `could not ${operation} ${safeText(object)}`
  if (cause instanceof EngineRefusal) return refused(what, cause)
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (UNREACHABLE.has(code)) {
    return new DriverError(`${what}: no Docker engine answers at ${endpoint} (${code})`, {
      code: 'engine-unreachable',
      unreachable: true,
      hint:
        code === 'EACCES'
          ? `your user may not open ${endpoint}; add it to its group`
          : 'start the engine, or point DOCKER_HOST at one; `bot-bottle doctor` tells more',
      cause,
    })
  }
  if (BROKEN.has(code)) {
    return new DriverError(`${what}: the engine closed the connection`, {
      code: 'engine-gone',
      transient: true,
      cause,
    })
  }
  return new DriverError(`${what}: ${safeText(cause instanceof Error ? cause.message : String(cause))}`, {
    code: 'engine-call',
    cause,
  })
}

function refused(what: string, cause: EngineRefusal): DriverError {
  const told = safeText(cause.message)
  if (/no space left on device/i.test(cause.message)) {
    return new DriverError(`${what}: the engine's disk is full`, {
      code: 'disk-full',
      hint: 'free space where the engine keeps its data: docker system df',
      cause,
    })
  }
  if (/storage-opt|--storage-opt|pquota|StorageOpt/i.test(cause.message)) {
    return new DriverError(`${what}: this engine cannot limit a container's disk`, {
      code: 'disk-limit-unsupported',
      hint: 'remove resources.disk, or give the engine overlay2 on xfs with pquota',
      cause,
    })
  }
  if (cause.status === 404 && /no such image|not found: manifest|pull access denied/i.test(cause.message)) {
    return new DriverError(`${what}: ${told}`, {
      code: 'image-missing',
      hint: 'pull or build the image, or correct its name',
      cause,
    })
  }
  if (cause.status === 404) return new DriverError(`${what}: ${told}`, { code: 'not-found', cause })
  if (cause.status === 409 && /already in use|already exists/i.test(cause.message)) {
    return new DriverError(`${what}: the name is taken`, {
      code: 'name-taken',
      hint: 'remove or rename the object that has it',
      cause,
    })
  }
  if (cause.status === 409) return new DriverError(`${what}: ${told}`, { code: 'engine-conflict', cause })
  const transient = cause.status >= 500 && (LOST.test(cause.message) || RACED.test(cause.message))
  return new DriverError(`${what}: ${told}`, { code: 'engine-refused', transient, cause })
}

const LOST = /connection reset|i\/o timeout|context deadline exceeded|device or resource busy/i
/** runc and containerd now and then lose a race with themselves while they start a container; another start goes well. */
export const RACED =
  /start an already running container|cannot start a (?:stopped|deleted) process|cannot start a container that has stopped|process is already dead/i
