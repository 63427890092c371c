/** Errors of the effects that are not an engine's refusal: their texts, in one place. */
import { DriverError } from '../../model/errors.ts'
import { safeText } from '../../model/text.ts'

export function nameTaken(kind: string, name: string, owner: string): DriverError {
  return new DriverError(`${kind} ${safeText(name)} exists and is not ours: ${safeText(owner)}`, {
    code: 'name-taken',
    hint: `remove or rename it: docker ${kind === 'container' ? 'rm' : `${kind} rm`} ${safeText(name)}; or use another stack name`,
  })
}

export function settingIgnored(name: string, wrong: readonly string[]): DriverError {
  return new DriverError(
    `the engine did not make container ${name} as it was asked to: ${wrong.join('; ')}`,
    {
      code: 'setting-ignored',
      hint: 'the container was removed again and nothing of the agent ran; use an engine that honours these settings (`bot-bottle doctor`)',
    },
  )
}

export function mountTarget(image: string, path: string, target: string): DriverError {
  return new DriverError(
    `image ${safeText(image)} has a link at ${path} (to ${safeText(target)}), where a volume of the bottle is mounted`,
    {
      code: 'image-mount-target',
      hint: `build the image with ${path} as an ordinary folder, or without it`,
    },
  )
}

export function startFailed(name: string, log: string): DriverError {
  return new DriverError(
    `container ${name} ended right after its start: ${safeText(log.trim().slice(-400) || 'it printed nothing')}`,
    {
      code: 'start-failed',
      hint: `docker logs ${name}`,
    },
  )
}

export function probeFailed(bottle: string, checks: readonly string[]): DriverError {
  return new DriverError(
    `the breakout probe of ${bottle} found a way out, its agent program does not start: ${checks.map((check) => safeText(check, 200)).join('; ')}`,
    {
      code: 'probe-failed',
      hint: 'this engine or image does not hold the boundary; `bot-bottle doctor` tells what is known about it',
    },
  )
}

export function helperFailed(what: string, detail: string): DriverError {
  return new DriverError(`could not ${what}: ${safeText(detail)}`, { code: 'guest-helper' })
}
