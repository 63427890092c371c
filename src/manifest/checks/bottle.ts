/** Everything else of one folded bottle: what runs in it, its limits, its environment, what it leaves out of comparison. */
import { guestEnvironment } from '../../resources/guest/environment.ts'
import { at, entriesOf, entry, itemsOf, scalar, text, type Entry, type Node } from '../node.ts'
import { bytesOf } from '../quantities.ts'
import { anyOf, quoted, type Report } from '../report.ts'
import { holdsToken } from '../secret-ref.ts'
import { nearest } from '../suggest.ts'

export function checkBottle(bottle: Node, report: Report): void {
  checkProgram(bottle, report)
  checkResources(bottle, report)
  checkEnvironment(at(bottle, 'env'), report)
  checkIgnored(bottle, report)
  const source = entry(at(bottle, 'workspace'), 'source')
  const mode = text(at(bottle, 'workspace', 'mode'))
  if ((mode === 'copy' || mode === 'clone') && !source)
    report.error(
      'missing-key',
      entry(bottle, 'workspace')?.place ?? bottle.place,
      `a workspace that is a ${mode} needs \`source\``,
    )
}

function checkProgram(bottle: Node, report: Report): void {
  const image = entry(bottle, 'image')
  const provider = entry(bottle, 'agent_provider')
  if (image && provider)
    report.error(
      'image-and-provider',
      image.place,
      'a bottle has either `image` or `agent_provider`',
      'a provider builds its own image; `agent_provider.dockerfile` adds to it',
    )
  if (image && entry(bottle, 'base_image'))
    report.error(
      'image-and-provider',
      entry(bottle, 'base_image')?.place ?? image.place,
      'a ready `image` has no `base_image`',
    )
}

const MEMORY_MIN = 16 * 2 ** 20

function checkResources(bottle: Node, report: Report): void {
  for (const key of ['memory', 'disk']) {
    const node = at(bottle, 'resources', key)
    const value = scalar(node)
    const bytes = typeof value === 'string' || typeof value === 'number' ? bytesOf(value) : undefined
    if (node && bytes !== undefined && bytes < MEMORY_MIN)
      report.error('out-of-range', node.place, `${quoted(key)} is at least 16MiB`)
  }
}

/**
 * Set by the program in every bottle: the doors and the certificate are reached through them (lessons.md, 15 and 16).
 * PATH is too, from the image; a program that starts another gives that what it likes.
 */
const BY_PROGRAM = new Set(
  ['FTP_PROXY', ...Object.keys(guestEnvironment(new Map()))]
    .map((name) => name.toUpperCase())
    .filter((name) => name !== 'PATH'),
)
/** Would run code of the agent's choice in programs that are started for the operator. */
const LOADER = /^(LD_|DYLD_|GCONV_PATH$|NODE_OPTIONS$|BASH_ENV$|ENV$|GLIBC_TUNABLES$|MALLOC_)/
/** Would open what the doors close. */
const WEAKENING: Readonly<Record<string, string>> = {
  NODE_TLS_REJECT_UNAUTHORIZED: 'switches the check of certificates off',
  GIT_SSL_NO_VERIFY: 'switches the check of certificates off',
  PYTHONHTTPSVERIFY: 'switches the check of certificates off',
  SSLKEYLOGFILE: 'writes the keys of connections to a file',
}

function checkEnvironment(env: Node | undefined, report: Report): void {
  for (const variable of entriesOf(env)) {
    const { key: name, place, value } = variable
    checkVariable(variable, report)
    if (name === 'PATH')
      report.error(
        'reserved-env',
        place,
        '`PATH` in a bottle is that of its image',
        'set it there: `ENV PATH=…` in a Dockerfile of your own',
      )
    const literal = text(value)
    if (literal === undefined) continue
    if (holdsToken(literal))
      report.error(
        'secret-in-manifest',
        value.place,
        `the value of ${quoted(name)} looks like a secret; an agent never holds one`,
        'use { env: NAME, placeholder: true } and a route with `auth`; revoke it if this file was shared',
      )
    const host = hostVariable(literal)
    if (host !== undefined)
      report.warning(
        'env-from-host',
        value.place,
        `${quoted(name)} is copied from ${quoted(host)} of this host at apply: readable in the bottle, and another value restarts the agent`,
        `\`ignore: [env.${name}]\` keeps a changing value from restarting it; a secret is { env: ${host}, placeholder: true }`,
      )
    else if (/\$\{[A-Za-z_][A-Za-z0-9_]*\}/.test(literal))
      report.warning(
        'literal-dollar',
        value.place,
        `\`\${…}\` inside a longer value stays as it is`,
        'only a value that is ${NAME} alone is read from the host',
      )
  }
}

/** Name and value, whoever the variable is for. */
export function checkVariable({ key: name, place, value }: Entry, report: Report): void {
  if (BY_PROGRAM.has(name.toUpperCase()))
    report.error(
      'reserved-env',
      place,
      `${quoted(name)} is set by bot-bottle: through it programs find the doors, the certificate and their home`,
    )
  else if (LOADER.test(name))
    report.error(
      'reserved-env',
      place,
      `${quoted(name)} changes how every program in the bottle is loaded, also those that bot-bottle runs there`,
      'set it in the command that needs it',
    )
  else if (WEAKENING[name] !== undefined)
    report.error('reserved-env', place, `${quoted(name)} ${WEAKENING[name]}`)
  const literal = text(value)
  if (literal === undefined) return
  if (literal.includes('\0'))
    report.error(
      'bad-env-value',
      value.place,
      `the value of ${quoted(name)} has a NUL character, which no environment can hold`,
    )
  if (literal.length > 100_000)
    report.error(
      'bad-env-value',
      value.place,
      `the value of ${quoted(name)} is longer than 100,000 characters, which no program could be started with`,
    )
}

/** The variable that a value copies, when it is `${NAME}` as a whole. */
export function hostVariable(literal: string): string | undefined {
  return /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(literal)?.[1]
}

/** Fields of a bottle that may be left out of comparison, as kind and field of its resources. */
export const IGNORABLE: Readonly<
  Record<string, readonly { readonly kind: 'bottle' | 'bundle' | 'guest'; readonly field: string }[]>
> = {
  image: [
    { kind: 'bottle', field: 'image' },
    { kind: 'bottle', field: 'imageDigest' },
  ],
  base_image: [
    { kind: 'bottle', field: 'image' },
    { kind: 'bottle', field: 'imageDigest' },
  ],
  resources: [{ kind: 'bottle', field: 'resources' }],
  'resources.cpus': [{ kind: 'bottle', field: 'resources.cpus' }],
  'resources.memory': [{ kind: 'bottle', field: 'resources.memoryBytes' }],
  'resources.pids': [{ kind: 'bottle', field: 'resources.pids' }],
  'resources.disk': [{ kind: 'bottle', field: 'resources.diskBytes' }],
  label: [{ kind: 'bottle', field: 'label' }],
  color: [{ kind: 'bottle', field: 'color' }],
  'egress.log': [{ kind: 'bundle', field: 'egressLog' }],
  env: [{ kind: 'guest', field: 'env' }],
}

function checkIgnored(bottle: Node, report: Report): void {
  for (const { value } of itemsOf(at(bottle, 'ignore'))) {
    const path = text(value)
    if (path === undefined || IGNORABLE[path] || /^env\.[A-Za-z_][A-Za-z0-9_]*$/.test(path)) continue
    if (/^(egress\.routes|git\.remotes)/.test(path))
      report.error(
        'bad-ignore',
        value.place,
        `${quoted(path)} cannot be left out of comparison: what a bottle may reach is always compared`,
      )
    else {
      const near = nearest(path, Object.keys(IGNORABLE))
      report.error(
        'bad-ignore',
        value.place,
        `${quoted(path)} is not a field that can be left out of comparison`,
        near === undefined
          ? `possible: ${anyOf([...Object.keys(IGNORABLE), 'env.NAME'])}`
          : `did you mean ${quoted(near)}?`,
      )
    }
  }
}
