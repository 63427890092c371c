import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseSupervisorArguments } from '../../../sidecars/supervisor/arguments.ts'
import { handOver } from '../../../sidecars/supervisor/doors.ts'
import { createJournal } from '../../../sidecars/supervisor/journal.ts'
import { linkNames } from '../../../sidecars/supervisor/links.ts'
import { judgePrivileges, parsePrivileges } from '../../../sidecars/supervisor/privileges.ts'
import { printableStderr } from '../../../sidecars/supervisor/stderr.ts'

const STATUS = `Name:\tegress
Uid:\t20001\t20001\t20001\t20001
Gid:\t20001\t20001\t20001\t20001
Groups:\t 
CapInh:\t0000000000000000
CapPrm:\t0000000000000000
CapEff:\t0000000000000000
CapBnd:\t00000000000004e0
CapAmb:\t0000000000000000
NoNewPrivs:\t1
`

describe('privileges of a daemon', () => {
  it('are as intended with its own ids, no capability and no-new-privileges; the bounding set is not ours to empty', () => {
    expect(judgePrivileges(parsePrivileges(STATUS), 20_001)).toEqual([])
  })
  it.each([
    ['another effective uid', STATUS.replace('Uid:\t20001\t20001', 'Uid:\t20001\t0'), 'uids'],
    ['another uid', STATUS.replaceAll('20001', '20002'), 'uids'],
    ['root’s group', STATUS.replace('Gid:\t20001\t20001', 'Gid:\t0\t0'), 'gids'],
    ['a supplementary group', STATUS.replace('Groups:\t ', 'Groups:\t0 27'), 'groups'],
    [
      'a permitted capability',
      STATUS.replace('CapPrm:\t0000000000000000', 'CapPrm:\t0000000000000400'),
      'CapPrm',
    ],
    [
      'an inheritable capability',
      STATUS.replace('CapInh:\t0000000000000000', 'CapInh:\t0000000000000001'),
      'CapInh',
    ],
    [
      'an ambient capability',
      STATUS.replace('CapAmb:\t0000000000000000', 'CapAmb:\t0000000000000001'),
      'CapAmb',
    ],
    ['new privileges', STATUS.replace('NoNewPrivs:\t1', 'NoNewPrivs:\t0'), 'NoNewPrivs'],
    ['nothing to read', '', 'uids'],
    ['no line about effective capabilities', STATUS.replace(/CapEff.*\n/, ''), 'CapEff'],
  ])('are wrong with %s', (_, status, word) => {
    expect(judgePrivileges(parsePrivileges(status), 20_001).join()).toContain(word)
  })
  it('are wrong for root, whatever else holds', () => {
    expect(judgePrivileges(parsePrivileges(STATUS.replaceAll('20001', '0')), 0)).not.toEqual([])
  })
})

it('links are read from the kernel’s table', () => {
  const heading = 'Inter-|   Receive\n face |bytes\n'
  expect(linkNames(`${heading}    lo:  10 0\n  eth0: 1 2\neth0:1:5 6\n`)).toEqual(['lo', 'eth0', 'eth0:1'])
  expect(linkNames('')).toEqual([])
})

describe('error output', () => {
  it('keeps names, codes and places, and never a message', () => {
    const output = `file:///bb/egress/main.js:12
      throw new TypeError(\`sk-live-12345\`)
TypeError [ERR_INVALID_ARG_TYPE]: The value is sk-live-12345
    at serve (file:///bb/egress/main.js:12:9)
    at Server.<anonymous> (node:net:1234:5)
    at sk-live-12345
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
Node.js v24.21.0
`
    const kept = printableStderr(output)
    expect(kept.join('\n')).not.toContain('sk-live')
    expect(kept).toContain('TypeError [ERR_INVALID_ARG_TYPE]')
    expect(kept).toContain('at serve (file:///bb/egress/main.js:12:9)')
  })
})

it('a journal keeps the last lines and tells followers of further ones', () => {
  const journal = createJournal<number>(3)
  const heard: number[] = []
  const unfollow = journal.follow((line) => heard.push(line))
  for (let line = 1; line <= 10; line += 1) journal.add(line)
  unfollow()
  journal.add(11)
  expect(journal.tail(100)).toEqual([9, 10, 11])
  expect(journal.tail(1)).toEqual([11])
  expect(journal.tail(0)).toEqual([])
  expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

describe('arguments', () => {
  it.each([
    [['--daemon', 'egress=20001'], 'bottle'],
    [['--bottle', 'impl', '--daemon', 'egress=0'], 'uid'],
    [['--bottle', 'impl', '--daemon', 'egress=1000'], 'uid'],
    [['--bottle', 'impl', '--daemon', 'sshd=20001'], 'sshd'],
    [['--bottle', 'impl', '--daemon', 'egress=20001', '--daemon', 'egress=20002'], 'twice'],
    [['--bottle', 'impl', '--daemon', 'egress=20001', '--daemon', 'git-gate=20001'], 'one uid'],
    [['--bottle', 'impl', '--no-tripwire'], 'no-tripwire'],
  ])('%j is refused', (argv, word) => {
    expect(() => parseSupervisorArguments(argv, '1')).toThrow(word)
  })
})

describe('handing a door over', () => {
  it('loses no connection of a client that connects all the while', { timeout: 20_000 }, async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/egress/main.ts')], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    await once(child, 'message')
    const outcomes: string[] = []
    for (let round = 0; round < 10; round += 1) {
      const port = await freePort()
      const client = spinningClient(port)
      await once(client, 'spawn')
      await expect.poll(() => outcomesOf(client), { timeout: 5000 }).toContain('ECONNREFUSED')
      await handOver(child, { name: 'proxy', transport: 'tcp', address: '127.0.0.1', port })
      outcomes.push(await done(client))
    }
    expect(new Set(outcomes)).toEqual(new Set(['answered']))
    child.kill()
  })
})

const said = new WeakMap<ChildProcess, string>()
const outcomesOf = (client: ChildProcess): string => said.get(client) ?? ''

/** Connects again and again until a connection is accepted, and tells what became of that one. */
function spinningClient(port: number): ChildProcess {
  const script = `
    let refused = false
    const spin = () => {
      const socket = require('node:net').connect(${port}, '127.0.0.1', () => socket.write('pid\\n'))
      let data = ''
      socket.on('data', (chunk) => (data += chunk))
      socket.on('error', (error) => {
        if (error.code !== 'ECONNREFUSED') return console.log('END dropped ' + error.code)
        if (!refused) console.log('ECONNREFUSED')
        refused = true
        setImmediate(spin)
      })
      socket.on('end', () => console.log(data === '' ? 'END dropped' : 'END answered'))
    }
    spin()`
  const client = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  client.stdout.on('data', (chunk: Buffer) => said.set(client, outcomesOf(client) + chunk.toString()))
  return client
}

async function done(client: ChildProcess): Promise<string> {
  await expect.poll(() => outcomesOf(client), { timeout: 5000 }).toContain('END')
  client.kill()
  return /END (.*)/.exec(outcomesOf(client))?.[1] ?? ''
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
