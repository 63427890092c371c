/** Every key that forges list of the repositories of a stack, and what becomes of each. Pure. */
import type { KeyRow, WantedKey } from '../../model/key-row.ts'
import { samePlace } from '../../model/key-row.ts'
import { parseKeyTitle } from '../../model/deploy-key.ts'
import { describeSecretRef } from '../../model/secret.ts'
import type { Resource } from '../../model/resource.ts'
import type { DeployKey } from '../../ports/forge.ts'
import type { ForgeLook, KeysLook } from '../../reconcile/snapshot-git.ts'
import { whoseKey } from '../../reconcile/whose-key.ts'
import type { Whose } from '../../reconcile/whose-key.ts'
import type { KeyLine } from '../../render/keys.ts'
import { currentRow, resumable } from '../../resources/key/rows.ts'
import type { KeySpec } from '../../resources/key/spec.ts'

export interface KeyListing {
  readonly look: KeysLook
  /** Absent: there is no manifest, and what is held counts as declared. */
  readonly declared: readonly Resource[] | undefined
  /** ISO 8601. */
  readonly now: string
}

/** One line for each key: those of this stack first, by address; `whose` tells the others. */
export function keyLines({ look, declared, now }: KeyListing): readonly KeyLine[] {
  const lines = look.forges.flatMap((forge) => {
    const rows = look.rows.filter((row) => samePlace(row, forge))
    const wanted = declared ? wantedAt(declared, forge) : rows.filter((row) => isCurrent(row, look))
    if (!forge.answer) {
      const why = `not asked: ${describeSecretRef(forge.tokenRef)} cannot be had here`
      return unheard(forge, rows, wanted, why)
    }
    if ('unknown' in forge.answer) {
      const why = `not known: ${forge.answer.unknown}`
      return unheard(forge, rows, wanted, why)
    }
    return heard(forge, forge.answer.keys, wanted, { look, declared, now })
  })
  return lines.sort(byOwner)
}

/** Of a forge that listed its keys: each of them, and what is declared and not among them. */
function heard(
  forge: ForgeLook,
  listed: readonly DeployKey[],
  wanted: readonly WantedKey[],
  { look, declared, now }: KeyListing,
): readonly KeyLine[] {
  const rotate = rotationAt(declared ?? [], now)
  const standing = new Set<string>()
  const lines = listed.map((key) => {
    const whose = whoseKey(forge, key, look)
    if (whose.is !== 'ours') return listedLine(forge, key, undefined, whose.is, STAYS[whose.is])
    const { row } = whose
    if (row && isTriedAgain(row, wanted, look, rotate)) return listedLine(forge, key, row, 'ours', UNTRIED)
    const why = whyGone(key, row, wanted, look)
    if (row === undefined || why !== undefined)
      return listedLine(forge, key, row, 'ours', `to be revoked: ${why}`)
    standing.add(row.address)
    const isDue = isOld(row, rotate)
    return listedLine(forge, key, row, 'ours', row.ended ? (isDue ? 'due for rotation' : 'live') : CUT_SHORT)
  })
  const missing = wanted.filter(({ address }) => !standing.has(address))
  return [...lines, ...missing.map((one) => missingLine(forge, one, resumable(look.rows, one)))]
}

/** Of a forge that told nothing: what is held here, and what is declared and not held. */
function unheard(
  forge: ForgeLook,
  rows: readonly KeyRow[],
  wanted: readonly WantedKey[],
  why: string,
): readonly KeyLine[] {
  const other = wanted.filter(({ address }) => !rows.some((row) => row.address === address))
  return [
    ...rows.map((row) => heldLine(row, why)),
    ...other.map((one) => ({ ...missingLine(forge, one), state: why })),
  ]
}

/** What a plan says of the same key: `undefined` where it stays. */
function whyGone(
  { readOnly }: DeployKey,
  row: KeyRow | undefined,
  wanted: readonly WantedKey[],
  look: KeysLook,
): string | undefined {
  if (row === undefined) return 'its private half is not here'
  if (row.retiredAt !== undefined) return 'another took its place'
  const one = wanted.find(({ address }) => address === row.address)
  if (one === undefined) return 'no remote declares it'
  if (row.readOnly !== one.readOnly || readOnly !== one.readOnly) return 'it is declared with another access'
  return isCurrent(row, look) ? undefined : 'another is in force'
}

/** Made to take another's place, and its upstream has not been seen to take it: `apply` goes on with it. */
function isTriedAgain(
  row: KeyRow,
  wanted: readonly WantedKey[],
  { rows }: KeysLook,
  rotate: ReadonlyMap<string, string>,
): boolean {
  const current = currentRow(rows, row.address)
  const one = wanted.find(({ address }) => address === row.address)
  const isNext = row.ended !== undefined && current !== row && one && resumable(rows, one) === row
  return isNext === true && current !== undefined && isOld(current, rotate)
}

function isOld({ address, begunAt }: KeyRow, rotate: ReadonlyMap<string, string>): boolean {
  return begunAt < (rotate.get(address) ?? '')
}

function isCurrent(row: KeyRow, { rows }: KeysLook): boolean {
  return currentRow(rows, row.address) === row
}

const CUT_SHORT = 'its creation was cut short'
const UNTRIED = 'not verified yet: its upstream is asked again'

const STAYS: Readonly<Record<Exclude<Whose['is'], 'ours'>, string>> = {
  elsewhere: 'of another stack or engine of this installation',
  foreign: 'of another installation',
  unmarked: 'not of bot-bottle',
}

function wantedAt(declared: readonly Resource[], forge: ForgeLook): readonly WantedKey[] {
  return declared.flatMap(({ kind, address, spec }) =>
    kind === 'key' && samePlace(spec as KeySpec, forge) ? [{ ...(spec as KeySpec), address, trust: [] }] : [],
  )
}

function rotationAt(declared: readonly Resource[], now: string) {
  return new Map(
    declared.flatMap(({ kind, address, spec }) => {
      const { rotate } = spec as KeySpec
      const before = kind === 'key' && rotate !== undefined ? Date.parse(now) - rotate : undefined
      return before === undefined ? [] : [[address, new Date(before).toISOString()] as const]
    }),
  )
}

function listedLine(
  { api, repository }: ForgeLook,
  { title, readOnly, createdAt, lastUsedAt }: DeployKey,
  row: KeyRow | undefined,
  whose: KeyLine['whose'],
  state: string,
): KeyLine {
  const mark = parseKeyTitle(title)
  const id = row?.id ?? mark?.id
  const madeAt = createdAt ?? row?.begunAt
  return {
    whose,
    name: row?.address ?? mark?.address ?? title,
    ...(mark && whose !== 'ours' && { owner: `${mark.installation} ${mark.stack}` }),
    api,
    repository,
    readOnly,
    state,
    ...(id !== undefined && { id }),
    ...(madeAt !== undefined && { createdAt: madeAt }),
    ...(lastUsedAt !== undefined && { lastUsedAt }),
  }
}

function heldLine(row: KeyRow, state: string): KeyLine {
  const { address, api, repository, readOnly, id, begunAt } = row
  return { whose: 'ours', name: address, api, repository, readOnly, state, id, createdAt: begunAt }
}

function missingLine({ api, repository }: ForgeLook, wanted: WantedKey, resume?: KeyRow): KeyLine {
  const { address, readOnly } = wanted
  const state = resume ? CUT_SHORT : 'not there'
  return { whose: 'ours', name: address, api, repository, readOnly, state }
}

const ORDER: readonly KeyLine['whose'][] = ['ours', 'elsewhere', 'foreign', 'unmarked']

function byOwner(a: KeyLine, b: KeyLine): number {
  return ORDER.indexOf(a.whose) - ORDER.indexOf(b.whose) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}
