/** What stands in a guest, for `status BOTTLE`: who commits and who says so, names of variables, skills, MCP servers. */
import { safeText } from '../model/text.ts'
import { padEnd } from './columns.ts'

export interface IdentityField {
  readonly value: string
  /** Where the manifest says it; absent: no manifest was read, or it says something else now. */
  readonly from?: 'agent' | 'bottle'
}

export interface GuestStatus {
  readonly name?: IdentityField
  readonly email?: IdentityField
  /** Names; those that only the program is to know are not among them. */
  readonly environment: readonly string[]
  readonly skills: readonly string[]
  readonly mcp: readonly string[]
}

export function guestLines(bottle: string, { name, email, environment, skills, mcp }: GuestStatus): string[] {
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['git user.name', name ? [identityWords(name)] : []],
    ['git user.email', email ? [identityWords(email)] : []],
    ['environment', environment.map((variable) => safeText(variable))],
    ['skills', skills.map((skill) => safeText(skill))],
    ['mcp', mcp.map((server) => safeText(server))],
  ]
  const told = rows.filter(([, words]) => words.length > 0)
  const width = Math.max(0, ...told.map(([title]) => title.length))
  const lines = told.map(([title, words]) => `  ${padEnd(title, width)}  ${words.join(', ')}`)
  return lines.length === 0 ? [] : ['', safeText(bottle), ...lines]
}

function identityWords({ value, from }: IdentityField): string {
  return `${safeText(value, 100)}${from === undefined ? '' : ` (${from})`}`
}
