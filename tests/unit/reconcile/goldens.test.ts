import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadManifest } from '../../../src/manifest/load.ts'
import { providersWith } from '../../../src/plugins/providers.ts'
import { BUILT_IN_PROVIDERS } from '../../../src/providers/registry.ts'
import { digestOf } from '../../../src/model/json.ts'
import type { Observed } from '../../../src/model/resource.ts'
import type { Snapshot } from '../../../src/model/snapshot.ts'
import { plan } from '../../../src/reconcile/plan.ts'
import { jsonPlan } from '../../../src/render/plan-document.ts'
import { prettyPlan } from '../../../src/render/pretty-plan.ts'
import type { Desired } from '../../../src/resources/desired.ts'
import { OPTIONS, worldOf } from './stacks.ts'

/** `UPDATE_GOLDENS=1` writes them anew; read the difference before you commit it. */
const update = process.env['UPDATE_GOLDENS'] === '1'
const folder = join(import.meta.dirname, '../../../fixtures/plans')

/** What had happened to the world since the last apply: one entry of a case's world.yaml. */
type Event = { readonly [key: string]: unknown }

describe('the plan when', () => {
  for (const name of readdirSync(folder).sort()) {
    it(`${name.replaceAll('-', ' ')}`, async () => {
      const path = (file: string) => join(folder, name, file)
      const before = existsSync(path('before.yaml'))
        ? await desiredIn(path('before.yaml'))
        : empty(await desiredIn(path('after.yaml')))
      const desired = { ...(await desiredIn(path('after.yaml'))), origin: before.origin }
      const snapshot = events(path('world.yaml')).reduce(
        (world, event) => happen(world, event, desired),
        worldOf(before),
      )
      const options = existsSync(path('options.yaml'))
        ? parse(readFileSync(path('options.yaml'), 'utf8'))
        : {}
      const made = plan({ desired, snapshot, options: { ...OPTIONS, allowEmpty: false, ...options } })
      golden(
        path('plan.txt'),
        `${prettyPlan(made, { color: false, unicode: true, width: 110 }, { full: true }).join('\n')}\n`,
      )
      golden(path('plan.json'), `${jsonPlan(made).join('\n')}\n`)
    })
  }
})

function golden(path: string, text: string): void {
  if (update) writeFileSync(path, text)
  expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '')
}

async function desiredIn(path: string): Promise<Desired> {
  const loaded = await loadManifest({
    files: [path],
    sets: [],
    cwd: folder,
    env: { HOME: '/home/dev' },
    driver: 'memory',
    program: {
      version: '0.1.0',
      sidecars: { tag: 'bot-bottle/sidecars:0.1.0-dddddddddddd', inputDigest: 'd'.repeat(64), base: 'base' },
      baseImage: { name: 'bot-bottle/base:bbbbbbbbbbbb', inputDigest: 'b'.repeat(64) },
    },
    providers: async () => providersWith(BUILT_IN_PROVIDERS, []),
    keyedDigest: (value) => `digest of ${value}`,
    derived: (...words) => digestOf(words),
    today: '2026-06-30',
    findingRules: async () => [],
    detectors: async () => ({ names: [], find: () => undefined }),
    forges: async () => ({ names: ['gitea', 'github', 'gitlab'], plugin: () => undefined }),
  })
  return relocated(loaded.desired)
}

/** Places name files by their folder on this machine; a golden has the bare name. */
function relocated(desired: Desired): Desired {
  const text = JSON.stringify(desired).replaceAll(/"(?:[^"]*\/)?(?:before|after)\.yaml/g, '"bottles.yaml')
  return { ...(JSON.parse(text) as Desired), origin: '/home/dev/acme/bottles.yaml' }
}

function empty(desired: Desired): Desired {
  return { ...desired, resources: [], bottles: [] }
}

function events(path: string): readonly Event[] {
  return existsSync(path) ? (parse(readFileSync(path, 'utf8')) as Event[]) : []
}

function happen(world: Snapshot, event: Event, desired: Desired): Snapshot {
  const change = (address: unknown, by: (object: Observed) => Observed): Snapshot => ({
    ...world,
    objects: world.objects.map((object) => (object.address === address ? by(object) : object)),
  })
  const like = (address: unknown): Observed => world.objects.find((object) => object.address === address)!
  const [kind] = Object.keys(event)
  switch (kind) {
    case 'lose':
      return {
        ...world,
        objects: world.objects.filter((object) => !(event['lose'] as string[]).includes(object.address)),
      }
    case 'wrong':
      return change(event['wrong'], (object) => ({ ...object, health: { wrong: String(event['what']) } }))
    case 'alter':
      return change(event['alter'], (object) => ({
        ...object,
        fields: { ...object.fields, ...(event['fields'] as Observed['fields']) },
      }))
    case 'add': {
      const source = like(event['like'])
      const added = {
        ...source,
        address: event['add'] as Observed['address'],
        fields: { ...source.fields, ...(event['fields'] as Observed['fields']) },
      }
      return { ...world, objects: [...world.objects, added] }
    }
    case 'stranger': {
      const wanted = desired.resources.find((each) => each.address === event['stranger'])!
      const object: Observed = {
        address: wanted.address,
        kind: wanted.kind,
        driver: wanted.driver,
        id: 'stranger-1',
        ownership: event['ownership'] as Observed['ownership'],
        ...(event['owner'] !== undefined && { owner: String(event['owner']) }),
        fields: {},
        health: 'ok',
      }
      return { ...world, objects: [...world.objects, object] }
    }
    case 'unknown':
      return {
        ...world,
        unknown: [
          ...world.unknown,
          {
            kinds: event['unknown'] as Snapshot['unknown'][number]['kinds'],
            ...(event['bottle'] !== undefined && { bottle: String(event['bottle']) }),
            ...(event['at'] !== undefined && { at: event['at'] as Observed['address'] }),
            reason: String(event['reason']),
          },
        ],
      }
    case 'record':
      return {
        ...world,
        record:
          event['record'] === 'absent'
            ? { status: 'absent' }
            : { status: 'unknown', reason: 'uplink does not answer' },
      }
    case 'admitted':
      return {
        ...world,
        admitted: {
          ...world.admitted,
          [String(event['admitted'])]: (event['hosts'] as string[]).map((host, index) => ({
            host,
            port: (event['ports'] as number[] | undefined)?.[index] ?? 443,
            allowPrivate: false,
          })),
        },
      }
    case 'engine':
      return {
        ...world,
        objects: [],
        drivers: { memory: { status: 'unreachable', reason: String(event['engine']) } },
      }
    case 'now':
      return { ...world, now: String(event['now']) }
    case 'stopped':
      return world.record.status === 'present'
        ? {
            ...world,
            record: {
              ...world.record,
              record: { ...world.record.record, bottles: { [String(event['stopped'])]: { stopped: true } } },
            },
          }
        : world
    case 'owner':
      return world.record.status === 'present'
        ? {
            ...world,
            record: { ...world.record, record: { ...world.record.record, ...(event['owner'] as object) } },
          }
        : world
    default:
      throw new Error(`unknown event ${kind}`)
  }
}
