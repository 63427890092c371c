/** Controls of the program that are proven on an engine, and how each is taken away. Two copies: a run is dear here. */
import type { Mutant } from '../../unit/containment/mutants/mutant.ts'

const READBACK = 'engine/docker/readback.test.ts'
const DRIFT = 'engine/docker/drift.test.ts'
const CREDENTIALS = 'engine/containment/credentials.test.ts'
const MANIFEST = 'engine/containment/manifest.test.ts'
/** What the engine itself refuses, whatever the driver does. */
const STILL_DRIVES = /L1: the engine itself refuses/
const STILL_SERVES = /arrive upstream, each at its own host/

export const ENGINE_MUTANTS: readonly Mutant[] = [
  {
    control: 'read-back',
    copy: 'driver',
    ids: ['ISO-07'],
    suite: READBACK,
    turns: /drops (?:CapDrop of the agent|NetworkMode none of the holder)|drops CapDrop of the bundle/,
    stays: STILL_DRIVES,
    edits: [
      {
        file: 'src/drivers/docker/place.ts',
        from: 'const wrong = readBack(body, found, networks)',
        to: 'const wrong: string[] = []',
      },
      {
        file: 'src/drivers/docker/place.ts',
        from: /const wrong = \[\.\.\.deviations\(\{ body, networks \}.*\]/,
        to: 'const wrong: string[] = []',
      },
    ],
  },
  {
    control: 'one-body-for-all-ways',
    copy: 'driver',
    ids: ['ISO-06'],
    suite: READBACK,
    stays: STILL_DRIVES,
    edits: [
      {
        file: 'src/drivers/docker/bottle-effect.ts',
        from: 'const made = await makeAgent(site, bottle, desired,',
        to: `const { spec } = desired
  const again = { ...desired, spec: { ...spec, resources: { ...spec.resources, pids: agent ? 0 : 64 } } }
  const made = await makeAgent(site, bottle, again,`,
      },
    ],
  },
  {
    control: 'observed-settings',
    copy: 'driver',
    ids: ['ISO-05'],
    suite: DRIFT,
    turns: /an agent started again by hand on a bridge/,
    stays: STILL_DRIVES,
    edits: [
      {
        file: 'src/drivers/docker/observed.ts',
        from: 'return [...deviations(expected, found, limits), ...mountDeviations(expected.body, found)]',
        to: 'return []',
      },
    ],
  },
  {
    control: 'owner-marks',
    copy: 'driver',
    ids: ['ISO-10'],
    suite: DRIFT,
    turns: /is reported as unmarked/,
    stays: STILL_DRIVES,
    edits: [
      {
        file: 'src/drivers/docker/place.ts',
        from: 'if (!isOfStack(ownership)) throw nameTaken(',
        to: 'if (site.stack === "") throw nameTaken(',
      },
    ],
  },
  {
    control: 'probe-before-start',
    copy: 'driver',
    ids: ['NET-27'],
    suite: 'engine/containment/probe.test.ts',
    turns: /a way out that only the probe meets/,
    stays: STILL_DRIVES,
    edits: [
      {
        file: 'src/drivers/docker/probe.ts',
        from: 'if (failed.length > 0) throw probeFailed(bottle, failed)',
        to: '',
      },
    ],
  },
  {
    control: 'own-leftovers',
    copy: 'driver',
    ids: ['ISO-09'],
    suite: 'engine/docker/life.test.ts',
    turns: /ISO-09: every half-made state/,
    stays: STILL_DRIVES,
    edits: [
      {
        file: 'src/drivers/docker/place.ts',
        from: /if \(old\) await engine\.removeContainer\(old\.id\)\n.*removeMarked\(.*\n/,
        to: 'if (old?.id === "") await engine.removeContainer(old.id)\n',
      },
    ],
  },
  {
    control: 'halted-while-read',
    copy: 'program',
    ids: ['HST-11'],
    suite: 'engine/containment/freeze.test.ts',
    turns: /HST-11/,
    stays: /says what it left out/,
    edits: [
      {
        file: 'src/drivers/docker/freeze/freeze.ts',
        from: '  await halt(site, agent)\n',
        to: '  await halt(site, { ...agent, state: { ...agent.state, running: false } })\n',
      },
    ],
  },
  {
    control: 'secrets-by-stdin',
    copy: 'program',
    ids: ['CRD-10'],
    suite: CREDENTIALS,
    stays: STILL_SERVES,
    edits: [
      {
        file: 'src/drivers/docker/control.ts',
        from: "argv: [PATHS.sidecarGuest, 'relay', target.socket]",
        to: `argv: ['/bin/sh', '-c', 'exec "$0" relay "$1"', PATHS.sidecarGuest, target.socket, line]`,
      },
    ],
  },
  {
    control: 'only-in-the-daemon',
    copy: 'program',
    ids: ['CRD-01'],
    suite: CREDENTIALS,
    stays: STILL_SERVES,
    edits: [
      {
        file: 'src/cli/secrets/materials.ts',
        from: '...(stack.loaded?.environment(bottle) ?? []),',
        to: `...(stack.loaded?.environment(bottle) ?? []),
        ['GIVEN', invocation.io.env['BEARER'] ?? ''],`,
      },
    ],
  },
  {
    control: 'certificate-only',
    copy: 'program',
    ids: ['TLS-03'],
    suite: CREDENTIALS,
    stays: STILL_SERVES,
    edits: [
      {
        file: 'src/cli/secrets/materials.ts',
        from: 'if (root) return root.certificate',
        to: `if (root) {
        Object.assign(globalThis, { rootKey: root.key })
        return root.certificate
      }`,
      },
      {
        file: 'src/drivers/docker/guest-effect.ts',
        from: /(?=const environment = await writeEnvironment\()/,
        to: `const key = String(Reflect.get(globalThis, 'rootKey'))
  await helper(site.engine, agent.id, ['write', '/etc/bot-bottle/key', '--mode', '0644'], ROOT_USER, key)
  `,
      },
    ],
  },
  {
    control: 'named-by-reference',
    copy: 'program',
    ids: ['SPP-10'],
    suite: CREDENTIALS,
    stays: STILL_SERVES,
    edits: [
      {
        file: 'src/execute/secrets.ts',
        from: "throw unfit(ref, 'holds characters that",
        to: "throw unfit(ref, value + ' holds characters that",
      },
    ],
  },
  {
    control: 'names-checked',
    copy: 'program',
    ids: ['SPP-01'],
    suite: MANIFEST,
    stays: STILL_SERVES,
    edits: [
      {
        file: 'src/manifest/validate.generated.js',
        from: 'const pattern3 = new RegExp("^[a-z](-?[a-z0-9]){0,62}$", "u")',
        to: 'const pattern3 = /^/u',
      },
    ],
  },
  {
    control: 'whole-references',
    copy: 'program',
    ids: ['SPP-09'],
    suite: MANIFEST,
    stays: STILL_SERVES,
    edits: [
      {
        file: 'src/manifest/checks/bottle.ts',
        from: 'return /^\\$\\{([A-Za-z_][A-Za-z0-9_]*)\\}$/.exec(literal)?.[1]',
        to: 'return /\\$\\{([A-Za-z_][A-Za-z0-9_]*)\\}/.exec(literal)?.[1]',
      },
    ],
  },
]
