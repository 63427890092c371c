/** References to secrets as they are written, as values and as stable ids. The value itself is nowhere here. */
import { homedir } from 'node:os'
import { join, resolve as absolute } from 'node:path'
import { digestOf, type Json } from '../model/json.ts'
import type { SecretRef } from '../model/secret.ts'

export interface NamedSecret {
  /** The same on every machine: `env:NAME`, `file:<path as written>`, `command:<8 hex of the arguments>`, `ask:<address>`. */
  readonly id: string
  readonly ref: SecretRef
}

/** `asker` names what the value is for; only a question needs it. `folder` is that of the file that says it. */
export function secretOf(
  written: Json,
  folder: string,
  asker: string,
  home: string | undefined,
): NamedSecret | undefined {
  if (typeof written === 'string')
    return written === '?' ? { id: `ask:${asker}`, ref: { from: 'ask', for: asker } } : environment(written)
  if (written === null || typeof written !== 'object' || Array.isArray(written)) return undefined
  const { env, file, command, login, path } = written as { readonly [key: string]: Json }
  if (typeof env === 'string') return environment(env)
  if (typeof file === 'string')
    return { id: `file:${file}`, ref: { from: 'file', path: pathFrom(folder, file, home) } }
  // No manifest says it: a provider's route does.
  if (typeof login === 'string' && typeof path === 'string')
    return { id: `login:${login}`, ref: { from: 'login', provider: login, path } }
  if (!Array.isArray(command)) return undefined
  const argv = command.map(String)
  return { id: `command:${digestOf(argv).slice(0, 8)}`, ref: { from: 'command', argv } }
}

function environment(name: string): NamedSecret {
  return { id: `env:${name}`, ref: { from: 'env', name } }
}

/** Absolute path of one written in a manifest: from the folder of its file, `~/` from the home folder. */
export function pathFrom(folder: string, written: string, home: string | undefined): string {
  if (written === '~' || written.startsWith('~/')) return join(home ?? homedir(), written.slice(1))
  return absolute(folder, written)
}

/** Beginnings of tokens that vendors hand out: such a text is a value, not a name. */
const TOKEN =
  /^(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-|sk-[A-Za-z0-9]|sk_(live|test)_|xox[abprs]-|AKIA[A-Z0-9]{16}$|npm_[A-Za-z0-9]{30,}|eyJ[A-Za-z0-9_-]{10,}\.)/

export function looksLikeToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Behind what separates words: `Bearer …`, `--token=…`. Whole tokens only, because `sk-` alone is part of many words. */
const WITHIN =
  /(?<=^|[\s=:,;?&/'"])(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,}|glpat-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9_-]{24,}|sk_(live|test)_[A-Za-z0-9]{16,}|xox[abprs]-[A-Za-z0-9-]{20,}|AKIA[A-Z0-9]{16}|npm_[A-Za-z0-9]{36}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.)/

/** A text that is a token, or has one in it. */
export function holdsToken(text: string): boolean {
  return TOKEN.test(text) || WITHIN.test(text)
}
