/** Bottles made from recorded create calls, with one setting edited, past the product: what it sends, without what it then checks. */
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { liveNames } from '../../../src/model/names.ts'
import { openEngine } from '../../../src/drivers/docker/engine.ts'
import { RACED } from '../../../src/drivers/docker/failures.ts'
import { openCanary, python, type Canary } from '../docker/attack.ts'
import { openProxy } from '../docker/proxy.ts'
import { docker, labStack } from '../docker/stack.ts'
import { baseImage } from '../../../src/drivers/docker/images/recipe.ts'
import { ran } from './whole.ts'
import { MUTATIONS, type Body, type Control } from './controls.ts'
import type { Subject } from './cases/case.ts'

const ENGINE = '/var/run/docker.sock'

export interface Originals {
  /** Runs `attack` on a copy of the bottle without the control; with none, on a faithful copy. */
  without(control: Control | undefined, attack: (bottle: Subject) => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** Records what the driver sends for one bottle of a stack of its own. */
export async function recordOriginals(): Promise<Originals> {
  const proxy = await openProxy(
    `/tmp/bb-replica-${process.pid}-${randomBytes(3).toString('hex')}.sock`,
    () => {},
  )
  const stack = await labStack({ engine: openEngine({ kind: 'socket', path: proxy.socket, from: 'test' }) })
  await stack.up('a', { memoryBytes: 256 * 2 ** 20, pids: 128 })
  const sent = (part: string) =>
    proxy.created.find(({ name }) => name.endsWith(`_a_${part}`))?.body as unknown as Body
  const canary = await openCanary()
  const outside = await openOutside()
  let copies = 0
  return {
    async without(control, attack) {
      const names = (part: string) => `bb_${stack.name}_m${copies}_${part}`
      copies += 1
      const mutation = control === undefined ? undefined : MUTATIONS[control]
      const edited = (of: 'holder' | 'agent') => {
        const body = structuredClone(sent(of === 'holder' ? 'net' : 'agent'))
        if (mutation?.of === of) mutation.off(body, liveNames.uplink(stack.name))
        return body
      }
      const [holder, agent] = [names('net'), names('agent')]
      try {
        const id = await create(holder, edited('holder'))
        start(holder)
        const body = edited('agent')
        body.HostConfig['NetworkMode'] = `container:${id}`
        await create(agent, body)
        start(agent)
        const subject: Subject = {
          inside: (program, user = '1000:1000') => inContainer(agent, program, user),
          outside: outside.run,
          canary,
          names: { agent, holder, uplink: liveNames.uplink(stack.name) },
        }
        await attack(subject)
      } finally {
        docker('rm', '-f', '-v', agent, holder)
      }
    },
    async close() {
      outside.close()
      await canary.close()
      await stack.down()
      await proxy.close()
    },
  }
}

export async function inContainer<T>(name: string, program: string, user: string): Promise<T> {
  const { code, out, err } = await ran(['docker', 'exec', '-i', '-u', user, name, ...python(program)])
  if (code !== 0) throw new Error(`exit ${code}: ${err}`)
  return JSON.parse(out) as T
}

export interface Outside {
  readonly run: Subject['outside']
  close(): void
}

/** One container with a network and without a profile, for the positive controls. */
export async function openOutside(): Promise<Outside> {
  const name = `bb_lab_outside_${randomBytes(4).toString('hex')}`
  const flags = ['--security-opt', 'seccomp=unconfined', '--entrypoint', '/bin/sleep']
  docker('run', '-d', '--name', name, ...flags, baseImage().tag, '900')
  return {
    run: (program, user = '1000:1000') => inContainer(name, program, user),
    close: () => void docker('rm', '-f', name),
  }
}

export function subjectOf(names: Subject['names'], canary: Canary, outside: Outside): Subject {
  return {
    inside: (program, user = '1000:1000') => inContainer(names.agent, program, user),
    outside: outside.run,
    canary,
    names,
  }
}

function create(name: string, body: Body): Promise<string> {
  const text = JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath: ENGINE,
        method: 'POST',
        path: `/v1.41/containers/create?name=${name}`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const said = JSON.parse(Buffer.concat(chunks).toString()) as { Id?: string; message?: string }
          if (said.Id === undefined) reject(new Error(said.message))
          else resolve(said.Id)
        })
      },
    )
    call.once('error', reject)
    call.end(text)
  })
}

/** Another start goes well where runc lost a race with itself. */
function start(name: string): void {
  try {
    docker('start', name)
  } catch (error) {
    if (!RACED.test(String(error))) throw error
    docker('start', name)
  }
}
