/** The table of `status`: one line per bottle, the stack below it. */
import type { Address } from '../model/address.ts'
import { safeText } from '../model/text.ts'
import type { BottleMemory, MemoryUse } from '../ports/driver.ts'
import { table } from './columns.ts'
import { guestLines } from './guest.ts'
import type { GuestStatus } from './guest.ts'
import { signs, tint } from './style.ts'
import type { Style } from './style.ts'
import { count, duration, memorySize } from './words.ts'

export interface BottleStatus {
  readonly bottle: string
  readonly driver: string
  /** `ready`, `stopped`, `not there`, `unknown`, or what is wrong. */
  readonly state: string
  /** What the agent does: `working`, `idle`; absent when it cannot be known. */
  readonly agent?: string
  readonly label?: string
  readonly routes?: number
  readonly remotes?: number
  /** Requests refused in the last hour. */
  readonly refusedLastHour?: number
  /** When its canary was last about to leave, ISO 8601. */
  readonly canaryAt?: string
  /** Why its agent program was told of none of its MCP servers. */
  readonly mcpFailed?: string
  /** What stands in its guest; absent: nothing was provisioned, or it is not known. */
  readonly guest?: GuestStatus
  /** Of the agent and of the bundle beside it. */
  readonly memory?: BottleMemory
  /** The newest image that was frozen of it; `createdAt`: ISO 8601. */
  readonly frozen?: { readonly reference: string; readonly createdAt: string }
  readonly createdAt?: string
  /** Addresses that differ from what is declared; absent: not compared (no manifest). */
  readonly differing?: readonly Address[]
}

export interface StackStatus {
  readonly stack: string
  readonly now: string
  readonly bottles: readonly BottleStatus[]
  readonly uplink: string
  /** What could not be asked, in words. */
  readonly unknown: readonly string[]
  readonly compared: boolean
  /** Deploy keys at forges; absent: none. `oldest`: ISO 8601. */
  readonly keys?: { readonly live: number; readonly oldest?: string }
}

const COLUMNS = [
  { title: 'BOTTLE' },
  { title: 'STATE' },
  { title: 'AGENT' },
  { title: 'ROUTES', align: 'right' },
  { title: 'REMOTES', align: 'right' },
  { title: 'REFUSED 1h', align: 'right' },
  { title: 'DRIFT' },
  { title: 'AGENT MEMORY', align: 'right' },
  { title: 'BUNDLE MEMORY', align: 'right' },
  { title: 'AGE', align: 'right' },
] as const

/** `detailed`: with what stands in each guest. */
export function statusLines(status: StackStatus, style: Style, detailed = false): string[] {
  const { dash, dot } = signs(style)
  const or = (value: string | undefined): string => value ?? dash
  const rows = status.bottles.map((bottle) => [
    safeText(bottle.bottle),
    safeText(bottle.state, 60),
    or(bottle.agent === undefined ? undefined : safeText(bottle.agent, 40)),
    or(bottle.routes?.toString()),
    or(bottle.remotes?.toString()),
    or(bottle.refusedLastHour?.toString()),
    bottle.differing === undefined
      ? dash
      : bottle.differing.length === 0
        ? 'none'
        : count(bottle.differing.length, 'object'),
    or(bottle.memory?.agent && usedOf(bottle.memory.agent)),
    or(bottle.memory?.bundle && usedOf(bottle.memory.bundle)),
    or(
      bottle.createdAt === undefined
        ? undefined
        : duration(Date.parse(status.now) - Date.parse(bottle.createdAt)),
    ),
  ])
  const [head = '', ...lines] = table(COLUMNS, rows)
  const coloured = lines.map((line, at) => tintState(line, status.bottles[at]?.state ?? '', style))
  const differing = status.bottles.flatMap((bottle) => bottle.differing ?? []).length
  const said = [
    count(status.bottles.length, 'bottle'),
    ...(status.compared
      ? [
          differing === 0
            ? 'in sync'
            : `${count(differing, 'object differs', 'objects differ')}, see \`bot-bottle diff\``,
        ]
      : []),
    `uplink ${safeText(status.uplink)}`,
    ...(status.keys ? [keyWords(status.keys, status.now)] : []),
  ]
  return [
    ...(status.bottles.length === 0 ? [] : [tint(style, 'bold', head), ...coloured]),
    said.join(` ${dot} `),
    ...status.bottles.flatMap((bottle) => canaryLine(bottle, status.now, style)),
    ...status.bottles.flatMap((bottle) => frozenLine(bottle, status.now)),
    ...status.bottles.flatMap((bottle) => mcpLine(bottle, style)),
    ...status.unknown.map((reason) => tint(style, 'yellow', `not known: ${safeText(reason)}`)),
    ...(detailed
      ? status.bottles.flatMap(({ bottle, guest }) => (guest ? guestLines(bottle, guest) : []))
      : []),
  ]
}

function canaryLine({ bottle, canaryAt }: BottleStatus, now: string, style: Style): string[] {
  if (canaryAt === undefined) return []
  const ago = duration(Date.parse(now) - Date.parse(canaryAt))
  const name = safeText(bottle)
  return [
    tint(
      style,
      'red',
      `${name} tried to send its canary ${ago} ago: somebody else may tell the agent what to do, see \`bot-bottle logs --egress ${name}\``,
    ),
  ]
}

function frozenLine({ bottle, frozen }: BottleStatus, now: string): string[] {
  if (frozen === undefined) return []
  const ago = duration(Date.parse(now) - Date.parse(frozen.createdAt))
  const tag = frozen.reference.slice(frozen.reference.lastIndexOf(':') + 1)
  return [`${safeText(bottle)} was frozen ${ago} ago: ${safeText(tag)}`]
}

function mcpLine({ bottle, mcpFailed }: BottleStatus, style: Style): string[] {
  if (mcpFailed === undefined) return []
  const name = safeText(bottle)
  return [
    tint(
      style,
      'yellow',
      `${name}: ${safeText(mcpFailed)}; its agent starts without them, \`bot-bottle apply ${name}\` tries again`,
    ),
  ]
}

/** `keys: 2 live, oldest 2 h` */
function keyWords({ live, oldest }: NonNullable<StackStatus['keys']>, now: string): string {
  const age = oldest === undefined ? '' : `, oldest ${duration(Date.parse(now) - Date.parse(oldest))}`
  return `keys: ${live} live${age}`
}

/** `412 MiB/4 GiB` */
function usedOf({ usedBytes, limitBytes }: MemoryUse): string {
  return `${memorySize(usedBytes)}/${memorySize(limitBytes)}`
}

function tintState(line: string, state: string, style: Style): string {
  if (state === 'ready') return line
  return tint(style, state === 'stopped' ? 'dim' : 'yellow', line)
}
