/** Whether an image has what an agent program needs of it, and what to write where it has not. Pure. */
import { DriverError } from '../../../model/errors.ts'
import type { ProgramNeed } from '../../../model/provider.ts'
import { safeText } from '../../../model/text.ts'
import { AGENT } from '../../../resources/guest/environment.ts'
import type { ImageLook } from './look.ts'
import type { TarEntry } from './tar.ts'

export type Need = ProgramNeed | 'shell' | 'git' | 'store' | 'user'

/** Of every image with an agent program, before the program is laid on it. */
export const OF_EVERY_IMAGE: readonly Need[] = ['shell', 'git', 'store']

const USER_LINE = `${AGENT.name}:x:${AGENT.uid}:${AGENT.gid}::${AGENT.home}:/bin/sh`
const GROUP_LINE = `${AGENT.name}:x:${AGENT.gid}:`

/** Throws a `DriverError` that names all of it. `image`: in a sentence. */
export function requireComplete(image: string, look: ImageLook, needs: readonly Need[]): void {
  const missing = needs.filter((need) => !isMet(need, look))
  if (missing.length === 0) return
  throw new DriverError(`${safeText(image)} has no ${missing.map((need) => WORDS[need]).join(', no ')}`, {
    code: 'image-incomplete',
    hint: remedies(missing, look.distributions).join('; '),
  })
}

const WORDS: Readonly<Record<Need, string>> = {
  shell: '/bin/sh',
  git: 'git on its PATH',
  store: 'certificate store of its distribution',
  user: `user with uid ${AGENT.uid}`,
  node: 'node on its PATH',
  glibc: 'glibc, which the program is linked with',
}

function isMet(need: Need, look: ImageLook): boolean {
  return need === 'user' ? agentOf(look.passwd) !== undefined : look.has[need]
}

/** Home folder of the first user with the agent's uid: the one that every look-up answers. */
function agentOf(passwd: string): string | undefined {
  const line = passwd.split('\n').find((each) => each.split(':')[2] === String(AGENT.uid))
  return line?.split(':')[5]
}

/** Package of a need, where distributions have it under one name. */
const PACKAGES: Partial<Record<Need, string>> = { git: 'git', store: 'ca-certificates', node: 'nodejs' }

function remedies(missing: readonly Need[], distributions: readonly string[]): readonly string[] {
  const packages = missing.flatMap((need) => PACKAGES[need] ?? [])
  return [
    ...(packages.length > 0 ? [installing(packages, distributions)] : []),
    ...(missing.includes('glibc') || missing.includes('shell')
      ? ['begin with FROM ${BOT_BOTTLE_BASE}, or with an image of Debian, Ubuntu or Fedora']
      : []),
    ...(missing.includes('user') ? [`keep this line in /etc/passwd: ${USER_LINE}`] : []),
  ]
}

/** By `ID` and `ID_LIKE`; node is older there than some programs want. */
const INSTALL: Readonly<Record<string, string>> = {
  debian: 'RUN apt-get update && apt-get install -y',
  ubuntu: 'RUN apt-get update && apt-get install -y',
  alpine: 'RUN apk add',
  fedora: 'RUN dnf install -y',
  rhel: 'RUN dnf install -y',
  suse: 'RUN zypper install -y',
  arch: 'RUN pacman -Sy --noconfirm',
}

function installing(packages: readonly string[], distributions: readonly string[]): string {
  const known = distributions.find((id) => id in INSTALL)
  return known === undefined
    ? `install ${packages.join(' and ')} in the image`
    : `write in the Dockerfile: ${INSTALL[known]} ${packages.join(' ')}`
}

/** What gives the agent's uid its name and home folder, ahead of whoever else has it; nothing where it is so already. */
export function accountEntries({ passwd, group }: ImageLook): readonly TarEntry[] {
  if (agentOf(passwd) === AGENT.home) return []
  return [
    { path: 'etc/passwd', mode: 0o644, content: withLine(passwd, USER_LINE) },
    { path: 'etc/group', mode: 0o644, content: withLine(group, GROUP_LINE) },
  ]
}

/** Behind root, which stands first. */
function withLine(file: string, line: string): string {
  const [first = '', ...rest] = file.split('\n')
  return first === '' ? `${line}\n` : [first, line, ...rest].join('\n')
}

/** Instructions for the base image of this release, which is built by them. */
export const ACCOUNT_COMMANDS = [
  `sed -i '1a ${USER_LINE}' /etc/passwd`,
  `sed -i '1a ${GROUP_LINE}' /etc/group`,
] as const
