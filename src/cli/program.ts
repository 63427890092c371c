/** The agent program of a bottle, as far as its driver can hold one. */
import { DriverError } from '../model/errors.ts'
import type { AttachRequest, Execution, ProgramRequest } from '../ports/driver.ts'
import type { OpenBottle } from './bottle.ts'

export type ProgramState = 'idle' | 'running' | 'exited'

export async function programState({ driver, stack, name }: OpenBottle): Promise<ProgramState> {
  if (!driver.programStatus) throw unheld(driver.name)
  const { state } = await driver.programStatus(stack, name)
  return state === 'running' || state === 'exited' ? state : 'idle'
}

export async function startProgram(
  { driver, stack, name }: OpenBottle,
  request: ProgramRequest,
): Promise<void> {
  if (!driver.startProgram) throw unheld(driver.name)
  await driver.startProgram(stack, name, request)
}

export async function attachProgram(
  { driver, stack, name }: OpenBottle,
  request: AttachRequest,
): Promise<Execution> {
  if (!driver.attachProgram) throw unheld(driver.name)
  return driver.attachProgram(stack, name, request)
}

function unheld(driver: string): DriverError {
  return new DriverError(`driver ${driver} holds no agent program`, {
    code: 'not-supported-yet',
    hint: 'bot-bottle exec runs one beside it',
  })
}
