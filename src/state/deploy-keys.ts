/**
 * The deploy keys that this installation made for one stack: pair and row in one file of the state folder, 0600, written
 * whole before the forge hears of the key and gone only after the forge has let go of it (lessons.md, 24). The private
 * half leaves only as a `Secret`. A file that is not whole is told, and its key is found at the forge by its title.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseAddress } from '../model/address.ts'
import { items, members, text } from '../model/answer.ts'
import { keyId, keyTitle, parseKeyTitle } from '../model/deploy-key.ts'
import { BottleError, EXIT } from '../model/errors.ts'
import type { KeyRow, WantedKey } from '../model/key-row.ts'
import { Secret } from '../model/secret.ts'
import type { SecretRef } from '../model/secret.ts'
import { createSshKey, publicKeyOf, sshFingerprint } from '../model/ssh-key.ts'
import { stackFolder } from './home.ts'
import type { Home } from './home.ts'
import { ensureFolder, readProtected, syncFolder, writeProtected } from './protected.ts'

export interface DeployKeys {
  /** Makes a pair; it is durable and read back before this returns. */
  begin(wanted: WantedKey, now: string): KeyRow
  /** The forge has the key. Repeatable. */
  end(id: string, forgeId: string, now: string): KeyRow
  /** The upstream takes the key: from here on it stands before one that nobody has tried. Repeatable. */
  verified(id: string, now: string): KeyRow
  /** The key is to go; durable before the forge hears of it. Repeatable. */
  retire(id: string, now: string): KeyRow
  /** Takes row and pair away. Repeatable; only for a key that the forge does not list. */
  forget(id: string): void
  rows(): KeyRows
  /** For the gate alone. `undefined`: there is no such key, or it is not whole. */
  privateKey(id: string): Secret | undefined
}

export interface KeyRows {
  readonly rows: readonly KeyRow[]
  /** Ids whose file is not whole. */
  readonly damaged: readonly string[]
}

export interface DeployKeysOptions {
  readonly home: Home
  readonly engineId: string
  readonly stack: string
}

interface Kept {
  readonly row: KeyRow
  readonly privateKey: Secret
}

export function openDeployKeys({ home, engineId, stack }: DeployKeysOptions): DeployKeys {
  const folder = join(stackFolder(home, engineId, stack), 'keys')
  const fileOf = (id: string) => join(folder, `deploy-${id}.json`)
  const read = (id: string): Kept | undefined => {
    const content = readProtected(fileOf(id))
    return content === undefined ? undefined : whole(id, content)
  }
  const write = (row: KeyRow, privateKey: Secret): KeyRow => {
    ensureFolder(folder)
    writeProtected(fileOf(row.id), `${JSON.stringify({ ...row, privateKey: privateKey.reveal() })}\n`)
    const kept = read(row.id)
    if (kept?.row.fingerprint === row.fingerprint) return kept.row
    throw new BottleError(EXIT.failed, `${row.address}: its key was written and reads back differently`, {
      code: 'key-not-kept',
      hint: 'check the disk that holds the state folder',
    })
  }
  const changed = (id: string, change: (row: KeyRow) => KeyRow): KeyRow => {
    const kept = read(id)
    if (kept) return write(change(kept.row), kept.privateKey)
    throw new BottleError(EXIT.failed, `deploy key ${id} is not in the state folder`, {
      code: 'key-missing',
      hint: '`bot-bottle apply` makes a new one and revokes the old',
    })
  }
  return {
    begin(wanted, now) {
      const id = keyId(engineId, randomBytes(5))
      const title = keyTitle({ installation: home.installation, stack, address: wanted.address, id })
      const { publicKey, privateKey } = createSshKey(title)
      const fingerprint = sshFingerprint(publicKey) ?? ''
      return write({ ...wanted, id, title, publicKey, fingerprint, begunAt: now }, privateKey)
    },
    end: (id, forgeId, now) =>
      changed(id, (row) => (row.ended ? row : { ...row, ended: { at: now, forgeId } })),
    verified: (id, now) =>
      changed(id, (row) => (row.verifiedAt === undefined ? { ...row, verifiedAt: now } : row)),
    retire: (id, now) =>
      changed(id, (row) => (row.retiredAt === undefined ? { ...row, retiredAt: now } : row)),
    forget(id) {
      rmSync(fileOf(id), { force: true })
      ensureFolder(folder)
      syncFolder(folder)
    },
    rows() {
      const found = idsIn(folder).map((id) => ({ id, kept: read(id) }))
      return {
        rows: found.flatMap(({ kept }) => (kept ? [kept.row] : [])),
        damaged: found.filter(({ kept }) => kept === undefined).map(({ id }) => id),
      }
    },
    privateKey: (id) => read(id)?.privateKey,
  }
}

function idsIn(folder: string): string[] {
  ensureFolder(folder)
  return readdirSync(folder)
    .map((name) => /^deploy-([0-9a-f]{16})\.json$/.exec(name)?.[1])
    .filter((id) => id !== undefined)
    .sort()
}

/** Row and pair that belong together, or nothing. */
function whole(id: string, content: string): Kept | undefined {
  const { privateKey, publicKey, address, tokenRef, trust, ended, ...rest } = members(parsed(content))
  const [pem, line, at] = [text(privateKey), text(publicKey), parseAddress(text(address) ?? '')?.address]
  const secret = pem === undefined ? undefined : new Secret(pem)
  const fingerprint = line === undefined ? undefined : sshFingerprint(line)
  const ref = readRef(tokenRef)
  if (!secret || line === undefined || publicKeyOf(secret) !== line || !at || !fingerprint || !ref)
    return undefined
  const { provider, api, repository, title, begunAt, verifiedAt, retiredAt, readOnly, allowPrivate } = rest
  const [end, strings] = [members(ended), [provider, api, repository, title, begunAt].map(text)]
  const [named, url, path, shown, begun] = strings
  if (rest['id'] !== id || typeof readOnly !== 'boolean' || typeof allowPrivate !== 'boolean')
    return undefined
  if (named === undefined || url === undefined || path === undefined) return undefined
  const mark = shown === undefined ? undefined : parseKeyTitle(shown)
  if (shown === undefined || begun === undefined || mark?.id !== id || mark.address !== at) return undefined
  const [endedAt, forgeId] = [text(end['at']), text(end['forgeId'])]
  const [verified, retired] = [text(verifiedAt), text(retiredAt)]
  const row: KeyRow = {
    id,
    address: at,
    provider: named,
    api: url,
    repository: path,
    readOnly,
    tokenRef: ref,
    allowPrivate,
    trust: items(trust).flatMap((one) => text(one) ?? []),
    title: shown,
    publicKey: line,
    fingerprint,
    begunAt: begun,
    ...(endedAt !== undefined && forgeId !== undefined && { ended: { at: endedAt, forgeId } }),
    ...(verified !== undefined && { verifiedAt: verified }),
    ...(retired !== undefined && { retiredAt: retired }),
  }
  return { row, privateKey: secret }
}

function readRef(value: unknown): SecretRef | undefined {
  const { from, name, path, argv, for: use } = members(value)
  if (from === 'env' && typeof name === 'string') return { from, name }
  if (from === 'file' && typeof path === 'string') return { from, path }
  if (from === 'command') return { from, argv: items(argv).flatMap((one) => text(one) ?? []) }
  return from === 'ask' && typeof use === 'string' ? { from, for: use } : undefined
}

function parsed(content: string): unknown {
  try {
    const found: unknown = JSON.parse(content)
    return found
  } catch {
    return undefined
  }
}
