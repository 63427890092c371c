import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask, fileIn, helperAnswer } from '../../../src/cli/workspace/bottle-files.ts'
import { packInto } from '../../../src/cli/workspace/tar.ts'
import { lossNotes } from '../../../src/cli/workspace/workspace-changes.ts'
import { memoryDriver } from '../../../src/drivers/memory/driver.ts'
import { memoryWorld } from '../../../src/drivers/memory/world.ts'
import { DriverError } from '../../../src/model/errors.ts'
import type { Plan } from '../../../src/model/plan.ts'
import type { Driver } from '../../../src/ports/driver.ts'
import type { Execution } from '../../../src/ports/program.ts'

let folder = ''
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'bb-answers-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A program in a bottle that prints this and ends. */
function printed(stdout: Readable | string, code = 0, complaint = ''): Execution {
  return {
    stdin: new PassThrough(),
    stdout: typeof stdout === 'string' ? Readable.from([Buffer.from(stdout)]) : stdout,
    stderr: Readable.from([Buffer.from(complaint)]),
    resize: async () => {},
    exit: Promise.resolve(code),
    close: () => {},
  }
}

/** A driver whose bottles answer the helper and programs as told. */
function driver(answer: (args: readonly string[]) => Promise<Execution>): Driver {
  const base = memoryDriver({ world: memoryWorld(), installation: 'me', now: () => '' })
  return {
    ...base,
    name: 'docker',
    helper: (_stack, _bottle, args) => answer(args),
    exec: (_stack, _bottle, { argv }) => answer(argv),
  }
}
const bottle = (of: Driver) => ({ driver: of, stack: 'acme', name: 'dev' })

describe('an answer of a bottle', () => {
  it('is cut where it has no end', async () => {
    const endless = new Readable({
      read() {
        this.push(Buffer.alloc(1000, 'x'))
      },
    })
    const { out, isCut } = await ask({ ...printed(endless), exit: new Promise(() => {}) }, '', 2500)
    expect([out.length, isCut]).toEqual([2500, true])
  })

  it('that is a complaint is one of ours, in its words', async () => {
    const failing = driver(async () => printed('', 5, 'bb-guest list: cannot be read'))
    await expect(helperAnswer(bottle(failing), ['list', '/workspace'])).rejects.toMatchObject({
      code: 'workspace-unreadable',
      message: 'dev: bb-guest list: cannot be read',
    })
  })

  it('with a file is what the file says; what is no file, or no tar, says nothing', async () => {
    writeFileSync(join(folder, 'file'), 'said')
    const file = driver(async () => printed(packInto(join(folder, 'file'), 'file')))
    expect(await fileIn(bottle(file), '/home/agent/file')).toBe('said')
    mkdirSync(join(folder, 'tree/folder'), { recursive: true })
    writeFileSync(join(folder, 'tree/folder/inner'), 'x')
    const tree = driver(async () => printed(packInto(join(folder, 'tree'))))
    expect(await fileIn(bottle(tree), '/home/agent')).toBeUndefined()
    expect(await fileIn(bottle(driver(async () => printed('x'.repeat(600)))), '/x')).toBeUndefined()
    expect(await fileIn(bottle(driver(async () => printed('', 4))), '/x')).toBeUndefined()
  })
})

describe('the plan that removes a bottle', () => {
  const removing = {
    actions: [
      { kind: 'bottle', verb: 'remove', address: 'bottle/dev', bottle: 'dev' },
      { kind: 'bundle', verb: 'remove', address: 'bundle/dev', bottle: 'dev' },
    ],
  } as unknown as Plan
  const rows = (...paths: readonly string[]): string =>
    JSON.stringify(paths.map((path) => [path, 'file', '0644', 1, '1.0', '']))

  it('says how many changed files and unpushed commits go with it', async () => {
    writeFileSync(join(folder, 'workspace.json'), rows('kept', 'gone'))
    writeFileSync(join(folder, 'provisioned.json'), JSON.stringify({ commit: 'a'.repeat(40) }))
    const answering = driver(async ([program, path = '']) => {
      if (program === 'get') return printed(packInto(join(folder, path.split('/').at(-1) ?? ''), 'file'))
      return printed(program === 'list' ? rows('kept', 'new') : '3\n')
    })
    expect(await lossNotes(removing, { driver: answering, name: 'acme' })).toEqual([
      'bottle/dev: lost with it: 2 changed files in its workspace, 3 commits that nobody pushed',
    ])
  })

  it('says nothing where nothing is lost, and that it is not known where nobody answers', async () => {
    const untouched = driver(async ([program]) => (program === 'list' ? printed('[]') : printed('', 4)))
    expect(await lossNotes(removing, { driver: untouched, name: 'acme' })).toEqual([])
    const stopped = driver(() =>
      Promise.reject(new DriverError('agent container of dev does not run', { code: 'agent-not-running' })),
    )
    expect(await lossNotes(removing, { driver: stopped, name: 'acme' })).toEqual([
      'bottle/dev: what its agent changed is not known: agent container of dev does not run',
    ])
  })
})
