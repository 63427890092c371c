/** Where a credential could have come to lie in a bottle, read from outside and inside, whole. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { liveNames } from '../../../src/model/names.ts'
import { docker } from '../docker/stack.ts'
import type { Program } from '../cli/program.ts'
import { formsOf } from '../containment/secrets.ts'

/**
 * Where which of the values is found in some form: `NAME: PLACE`. `control`: a text that has to be found among the
 * agent's files.
 */
export async function sweep(
  program: Program,
  bottle: string,
  values: Readonly<Record<string, string>>,
  control: string,
): Promise<readonly string[]> {
  const forms = Object.entries(values).flatMap(([name, value]) =>
    formsOf(value).map((form): Form => ({ name, bytes: Buffer.from(form, 'latin1') })),
  )
  const agent = liveNames.agent(program.stack, bottle)
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
    for (const name of namesIn(bytes, forms)) found.push(`${name}: ${place}`)
    if (place === 'home and workspace' && !bytes.includes(control))
      found.push(`${place}: without the control`)
  }
  for (const name of await namesInMemory(agent, forms)) found.push(`${name}: memory of its processes`)
  for (const name of await namesInFiles(agent, forms)) found.push(`${name}: files of its container`)
  return found
}

interface Form {
  readonly name: string
  readonly bytes: Buffer
}

const namesIn = (bytes: Buffer, forms: readonly Form[]): ReadonlySet<string> =>
  new Set(forms.filter((form) => bytes.includes(form.bytes)).map(({ name }) => name))

/** Of bytes that are too many to be held at once; `length` counts them. */
async function namesInPieces(
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
  forms: readonly Form[],
): Promise<{ readonly names: ReadonlySet<string>; readonly length: number }> {
  const overlap = Math.max(...forms.map(({ bytes }) => bytes.length))
  const names = new Set<string>()
  let rest: Buffer = Buffer.alloc(0)
  let length = 0
  for await (const piece of pieces) {
    const window = Buffer.concat([rest, piece])
    length += piece.length
    for (const name of namesIn(window, forms)) names.add(name)
    rest = window.subarray(Math.max(0, window.length - overlap))
  }
  return { names, length }
}

/** The whole file system of the container, as the engine exports it. */
async function namesInFiles(container: string, forms: readonly Form[]): Promise<ReadonlySet<string>> {
  const child = spawn('docker', ['export', container], { stdio: ['ignore', 'pipe', 'ignore'] })
  const { names, length } = await namesInPieces(child.stdout as AsyncIterable<Buffer>, forms)
  if (length < 1_000_000) throw new Error(`the export of ${container} has ${length} bytes`)
  return names
}

/** What every process of the container has written to its memory, read from this machine. */
async function namesInMemory(container: string, forms: readonly Form[]): Promise<ReadonlySet<string>> {
  const pids = docker('top', container, '-eo', 'pid').split('\n').slice(1)
  const { names, length } = await namesInPieces(memoryOf(pids.map((pid) => pid.trim())), forms)
  if (length < 100_000) throw new Error(`the memory of ${container} has ${length} bytes`)
  return names
}

/** A process may end meanwhile, and pages go: what cannot be read is not there any more. */
function* memoryOf(pids: readonly string[]): Iterable<Buffer> {
  for (const pid of pids) {
    const mappings = attempt(() => readFileSync(`/proc/${pid}/smaps`, 'latin1')) ?? ''
    const memory = attempt(() => openSync(`/proc/${pid}/mem`, 'r'))
    if (memory === undefined) continue
    try {
      for (const [from, to] of written(mappings))
        for (let at = from; at < to; at += PIECE) {
          const piece = Buffer.alloc(Math.min(PIECE, to - at))
          const length = attempt(() => readSync(memory, piece, 0, piece.length, at)) ?? 0
          yield piece.subarray(0, length)
        }
    } finally {
      closeSync(memory)
    }
  }
}

/** Writable mappings with a page in memory: a program reserves far more than it touches. */
function written(smaps: string): readonly (readonly [from: number, to: number])[] {
  const mapping = /^([0-9a-f]+)-([0-9a-f]+) rw[^]*?^Rss: +(\d+) kB$/gm
  return [...smaps.matchAll(mapping)]
    .filter(([, , , resident]) => resident !== '0')
    .map(([, from = '', to = '']) => [Number.parseInt(from, 16), Number.parseInt(to, 16)])
}

const PIECE = 1 << 22

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

async function output(command: string, args: readonly string[]): Promise<Buffer> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err] = await Promise.all([buffer(child.stdout), buffer(child.stderr)])
  return Buffer.concat([out, err])
}
