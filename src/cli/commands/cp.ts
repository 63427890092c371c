/** Files into and out of a bottle as one tar stream through the static helper, which follows no link on its side. */
import { lstat, mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { DriverError, EXIT, UsageError } from '../../model/errors.ts'
import type { Execution } from '../../ports/program.ts'
import { withBottle } from '../stack/bottle.ts'
import type { OpenBottle } from '../stack/bottle.ts'
import type { Invocation } from '../grammar/invocation.ts'
import { safeText } from '../../model/text.ts'
import { count } from '../../render/words.ts'
import { requirePackable } from '../workspace/packable.ts'
import { packInto } from '../workspace/tar.ts'
import { unpackFrom } from '../workspace/untar.ts'

export async function run(invocation: Invocation): Promise<number> {
  const [source = '', target = ''] = invocation.args
  const [from, to] = [inBottle(source), inBottle(target)]
  if ((from === undefined) === (to === undefined)) {
    throw new UsageError('cp copies between here and one bottle', {
      code: 'bad-argument',
      hint: 'bot-bottle cp notes.md implementer:/workspace/',
    })
  }
  const inside = from ?? to ?? { bottle: '', path: '' }
  // As with `docker cp` this would be a tar stream; it is not one here, and a file of that name is rarely meant.
  if (source === '-' || target === '-')
    throw new UsageError('cp copies files and folders, not standard input or output', {
      code: 'bad-argument',
      hint: `bot-bottle exec ${inside.bottle} -- ${from ? `cat ${from.path}` : `sh -c 'cat > ${inside.path}'`}, or ./- for a file of that name`,
    })
  await withBottle(invocation, inside.bottle, (bottle) =>
    from ? copyOut(bottle, from.path, target, invocation) : copyIn(bottle, source, inside.path, invocation),
  )
  return EXIT.done
}

function inBottle(word: string): { readonly bottle: string; readonly path: string } | undefined {
  const [, bottle, path] = /^([a-z][a-z0-9-]*):(.*)$/s.exec(word) ?? []
  if (bottle === undefined || path === undefined) return undefined
  if (!path.startsWith('/'))
    throw new UsageError(`${bottle}: the path in the bottle must be absolute, not \`${path}\``, {
      code: 'bad-argument',
    })
  return { bottle, path }
}

/** `dir/` puts the source into it under its own name, anything else is the new name. */
async function copyIn(
  bottle: OpenBottle,
  source: string,
  path: string,
  { io, output }: Invocation,
): Promise<void> {
  const local = resolve(io.cwd, source)
  const about = await lstat(local).catch((cause: unknown) => {
    throw new UsageError(`${source} cannot be read`, { code: 'no-such-file', cause })
  })
  const destination = path.endsWith('/') ? `${path}${basename(local)}` : path
  // `put` writes a tree below a folder: a file goes as the one entry of its parent.
  const folder = about.isDirectory() ? destination : dirname(destination)
  const name = about.isDirectory() ? undefined : basename(destination)
  await requirePackable(local, name)
  const execution = await bottle.driver.helper(bottle.stack, bottle.name, ['put', folder])
  const sent = pipeline(packInto(local, name), execution.stdin)
  const report = await finished(execution, bottle.name, destination, sent)
  output.note([`${safeText(`${bottle.name}:${destination}`)}  ${copied(report)}`])
}

async function copyOut(
  bottle: OpenBottle,
  path: string,
  target: string,
  { io, output }: Invocation,
): Promise<void> {
  const local = resolve(io.cwd, target)
  const existing = await lstat(local).catch(() => undefined)
  const into = existing?.isDirectory() === true
  const shape = await shapeOf(bottle, path)
  const execution = await bottle.driver.helper(bottle.stack, bottle.name, ['get', path])
  execution.stdin.end()
  const name = into ? basename(path) : basename(local)
  const parent = into ? local : dirname(local)
  await mkdir(parent, { recursive: true })
  const received = unpackFrom(execution.stdout, shape, parent, name)
  // What is refused is not read further: the helper must not wait for a reader.
  received.catch(() => execution.close())
  await finished(execution, bottle.name, path, received, false)
  const { leftOut } = await received
  output.note([
    safeText(resolve(parent, name)),
    ...leftOut.map((link) => `left out: ${safeText(link)}, a link that leads out of the folder`),
  ])
}

/** `3 files`, from the helper's summary. */
function copied(report: string): string {
  const files = Number(/"files":(\d+)/.exec(report)?.[1] ?? 0)
  return count(files, 'file')
}

/** What lies at the path, seen by the helper without following a link. */
async function shapeOf(bottle: OpenBottle, path: string): Promise<'file' | 'folder'> {
  const execution = await bottle.driver.helper(bottle.stack, bottle.name, ['stat', path])
  execution.stdin.end()
  const answer = await finished(execution, bottle.name, path, Promise.resolve())
  const type = /"type":"([a-z-]+)"/.exec(answer)?.[1] ?? 'unknown'
  if (type === 'file') return 'file'
  if (type === 'dir') return 'folder'
  throw new DriverError(`${bottle.name}:${path} ${TYPES[type] ?? `is a ${type}`}`, {
    code: 'copy-refused',
  })
}

const TYPES: Readonly<Record<string, string>> = {
  absent: 'is not there',
  link: 'is a link, and links are not followed',
  denied: 'cannot be read by the agent',
  'behind-link': 'lies behind a link, and links are not followed',
}

async function finished(
  execution: Execution,
  bottle: string,
  path: string,
  streams: Promise<unknown>,
  readStdout = true,
): Promise<string> {
  const [moved, said, complaint, code] = await Promise.allSettled([
    streams,
    readStdout ? text(execution.stdout) : '',
    execution.stderr ? text(execution.stderr) : '',
    execution.exit,
  ])
  const exit = code.status === 'fulfilled' ? code.value : 1
  if (exit === 0 && moved.status === 'fulfilled') return said.status === 'fulfilled' ? said.value.trim() : ''
  const words =
    complaint.status === 'fulfilled'
      ? complaint.value
          .trim()
          .split('\n')[0]
          ?.replace(/^bb-guest \w+: /, '')
          // The summary of a helper that was content.
          .replace(/^\{.*/, '')
      : ''
  const reason =
    words ||
    (moved.status === 'rejected' && moved.reason instanceof Error ? moved.reason.message : `exit ${exit}`)
  throw new DriverError(`${bottle}:${path}: ${reason}`, {
    code: exit === 3 ? 'copy-refused' : 'copy-failed',
    cause: moved.status === 'rejected' ? moved.reason : undefined,
  })
}
