/** Where a credential could have come to lie in a bottle, read from outside and inside, whole. */
import { spawn } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { docker } from '../docker/stack.ts'
import type { Program } from '../cli/program.ts'
import { formsOf } from '../containment/secrets.ts'

/** Places that hold the value in some form; `control`: a text that has to be found among the agent's files. */
export async function sweep(
  program: Program,
  bottle: string,
  value: string,
  control: string,
): Promise<readonly string[]> {
  const forms = formsOf(value).map((form) => Buffer.from(form, 'latin1'))
  const agent = `bb_${program.stack}_${bottle}_agent`
  const image = docker('inspect', '-f', '{{.Config.Image}}', agent)
  const containers = docker('ps', '-aq', '--filter', `label=dev.bot-bottle.stack=${program.stack}`).split(
    '\n',
  )
  const inside = (line: string): Promise<Buffer> =>
    output('docker', ['exec', '-u', '1000:1000', agent, 'sh', '-c', line])
  const places: Readonly<Record<string, () => Promise<Buffer>>> = {
    'environment and arguments of its processes': () =>
      inside('cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true'),
    'home and workspace': () => inside('tar -C / -cf - home/agent workspace tmp run 2>/dev/null; true'),
    'history of the image': async () => Buffer.from(docker('history', '--no-trunc', image)),
    'inspect of the image': async () => Buffer.from(docker('inspect', image)),
    'inspect of its containers': async () => Buffer.from(docker('inspect', ...containers)),
    'logs of its containers': async () =>
      Buffer.concat(await Promise.all(containers.map((id) => output('docker', ['logs', id])))),
    'logs as the program shows them': async () =>
      Buffer.from(
        (await program.run(['logs', bottle])).out + (await program.run(['logs', '--egress', bottle])).out,
      ),
    'state folder': () => output('tar', ['-C', program.home, '-cf', '-', '.']),
  }
  const found: string[] = []
  for (const [place, read] of Object.entries(places)) {
    const bytes = await read()
    if (bytes.length === 0) found.push(`${place}: nothing could be read`)
    if (forms.some((form) => bytes.includes(form))) found.push(place)
    if (place === 'home and workspace' && !bytes.includes(control))
      found.push(`${place}: without the control`)
  }
  if (await holdsInFiles(agent, forms)) found.push('files of its container')
  return found
}

/** The whole file system of the container, as the engine exports it: too large to be held at once. */
async function holdsInFiles(container: string, forms: readonly Buffer[]): Promise<boolean> {
  const child = spawn('docker', ['export', container], { stdio: ['ignore', 'pipe', 'ignore'] })
  const overlap = Math.max(...forms.map(({ length }) => length))
  let rest: Buffer = Buffer.alloc(0)
  let size = 0
  for await (const chunk of child.stdout) {
    const window = Buffer.concat([rest, chunk as Buffer])
    size += (chunk as Buffer).length
    if (forms.some((form) => window.includes(form))) return true
    rest = window.subarray(Math.max(0, window.length - overlap))
  }
  if (size < 1_000_000) throw new Error(`the export of ${container} has ${size} bytes`)
  return false
}

async function output(command: string, args: readonly string[]): Promise<Buffer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err] = await Promise.all([buffer(child.stdout), buffer(child.stderr)])
  return Buffer.concat([out, err])
}
