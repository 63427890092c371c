import { describe, expect, it } from 'vitest'
import { EngineRefusal } from '../../../src/drivers/docker/call.ts'
import { failure } from '../../../src/drivers/docker/failures.ts'
import { DriverError } from '../../../src/model/errors.ts'

const refused = (status: number, message: string): DriverError => {
  const found = failure('start', 'container x', new EngineRefusal(status, message), 'unix:///x')
  if (found instanceof DriverError) return found
  throw new Error('not a driver error')
}

describe('A start that lost a race inside the engine is tried again', () => {
  // As runc 1.1 to 1.4 and containerd 1.6 say it.
  it.each([
    'cannot start an already running container: unknown',
    'cannot start a stopped process: unknown',
    'cannot start a deleted process: unknown',
    'OCI runtime start failed: cannot start a container that has stopped: unknown',
    'OCI runtime start failed: container process is already dead: unknown',
  ])('%s', (message) => expect(refused(500, message)).toMatchObject({ transient: true }))

  it('but not what fails each time', () => {
    expect(refused(500, 'OCI runtime create failed: exec: "nope": not found')).toMatchObject({
      transient: false,
    })
    expect(refused(409, 'cannot start a stopped process')).toMatchObject({ transient: false })
  })
})
