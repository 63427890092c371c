/** Controls that are proven without an engine, and how each is taken away. */
import { HOST_MUTANTS } from './list-host.ts'
import type { Mutant } from './mutant.ts'

const EGRESS = 'unit/egress/cases.test.ts'
const SUPERVISOR = 'unit/supervisor/supervisor.test.ts'
/** Of the egress cases; no mutant touches what it is about. */
const STILL_FORWARDS = /a new credential is used by the next request/
const STILL_SUPERVISES = /secrets are in no argument, no environment, no file/

export const UNIT_MUTANTS: readonly Mutant[] = [
  {
    control: 'no-port',
    copy: 'sidecars',
    ids: ['NET-06', 'NET-18'],
    suite: 'unit/containment/listeners.test.ts',
    turns: /listens on its two Unix sockets/,
    edits: [
      {
        file: 'sidecars/uplink/dials.ts',
        from: 'rmSync(path, { force: true })\n',
        to: 'rmSync(path, { force: true })\n  createServer().listen(0)\n',
      },
    ],
  },
  {
    control: 'entries-decide',
    ids: ['CRD-17'],
    suite: 'unit/policy/presets.test.ts',
    stays: /serves what it is for: npm/,
    edits: [
      {
        file: 'sidecars/policy/judge.ts',
        from: "if (entry === -1) return deny('request-undeclared')",
        to: 'if (entry === -1) return new AllowedRequest(route, entry)',
      },
    ],
  },
  {
    control: 'remote-url-grammar',
    ids: ['GIT-19'],
    suite: 'unit/manifest/desired-git.test.ts',
    stays: /pins the host key alone/,
    turns: /oProxyCommand|host:0|a;id/,
    edits: [
      {
        file: 'src/manifest/checks/remotes.ts',
        from: 'return plainUser && plainHost && plainPath && number >= 1 && number <= 65535',
        to: 'return plainUser || plainHost || plainPath || number >= 1 || number <= 65535',
      },
    ],
  },
  {
    control: 'each-request-judged',
    ids: ['PXY-18'],
    suite: EGRESS,
    stays: STILL_FORWARDS,
    edits: [
      {
        file: 'sidecars/egress/exchange/deciding.ts',
        from: 'const verdict = judge(policy, judged)',
        to: 'const verdict = judge(policy, firstOf(running, judged))',
      },
      {
        file: 'sidecars/egress/exchange/deciding.ts',
        from: '/** How far an exchange has come. */',
        to: `const firsts = new WeakMap<Running, JudgedRequest>()
function firstOf(running: Running, judged: JudgedRequest): JudgedRequest {
  if (!firsts.has(running)) firsts.set(running, judged)
  return firsts.get(running) ?? judged
}
/** How far an exchange has come. */`,
      },
    ],
  },
  {
    control: 'never-advertise',
    copy: 'egress',
    ids: ['PXY-23'],
    suite: EGRESS,
    stays: STILL_FORWARDS,
    edits: [{ file: 'sidecars/egress/exchange/outgoing.ts', from: "  'alt-svc',\n", to: '' }],
  },
  {
    control: 'no-method-override',
    copy: 'egress',
    ids: ['PXY-22'],
    suite: EGRESS,
    stays: STILL_FORWARDS,
    edits: [
      { file: 'sidecars/egress/exchange/outgoing.ts', from: "'x-http-method-override', ", to: '' },
      { file: 'sidecars/egress/exchange/exchange.ts', from: 'restrictsMethods(allowed.route)', to: 'false' },
    ],
  },
  {
    control: 'http1-only',
    copy: 'egress',
    ids: ['PXY-26'],
    suite: EGRESS,
    turns: /only http\/1\.1 is negotiated/,
    stays: STILL_FORWARDS,
    edits: [
      {
        file: 'sidecars/egress/client/tunnel.ts',
        from: "offersH2 ? ['h2', 'http/1.1'] : ['http/1.1']",
        to: "['http/1.1', 'h2']",
      },
    ],
  },
  {
    control: 'one-host-in-a-stream',
    copy: 'egress',
    ids: ['PXY-26'],
    suite: EGRESS,
    turns: /whose head has no one reading/,
    stays: STILL_FORWARDS,
    edits: [
      {
        file: 'sidecars/egress/h2/request.ts',
        from: "fields.filter(({ key }) => key === 'host')",
        to: 'fields.slice(0, 0)',
      },
    ],
  },
  {
    control: 'credential-of-its-route',
    ids: ['CRD-02', 'CRD-09'],
    suite: EGRESS,
    turns: /CRD-09/,
    stays: STILL_FORWARDS,
    edits: [
      {
        file: 'sidecars/egress/exchange/deciding.ts',
        from: 'running.credential(verdict.route)',
        to: 'running.credential(policy.routes.find(({ auth }) => auth !== undefined) ?? verdict.route)',
      },
    ],
  },
  {
    control: 'credential-characters',
    copy: 'egress',
    ids: ['CRD-05'],
    suite: EGRESS,
    stays: STILL_FORWARDS,
    edits: [
      {
        file: 'sidecars/egress/secrets/credentials.ts',
        from: 'const TOKEN_VALUE = /^[\\x21-\\x7e]+$/',
        to: 'const TOKEN_VALUE = /^[^]+$/',
      },
      {
        file: 'sidecars/egress/secrets/credentials.ts',
        from: 'const ACCESS_KEY = /^[\\w.-]+$/',
        to: 'const ACCESS_KEY = /^[^]+$/',
      },
    ],
  },
  {
    control: 'masked-records',
    copy: 'egress',
    ids: ['CRD-13'],
    suite: EGRESS,
    stays: STILL_FORWARDS,
    edits: [
      { file: 'sidecars/egress/audit/untold.ts', from: /return hits\.reduce.*/, to: 'return text' },
      {
        file: 'sidecars/egress/audit/audit.ts',
        from: /running\?\.matcher\.\w+\(path\) \?\? path/,
        to: 'path',
      },
      {
        file: 'sidecars/egress/exchange/deciding.ts',
        from: /running\?\.matcher\.\w+\(shown\) \?\? shown/,
        to: 'shown',
      },
    ],
  },
  {
    control: 'loopback-doors',
    copy: 'sidecars',
    ids: ['NET-15'],
    suite: SUPERVISOR,
    stays: STILL_SUPERVISES,
    edits: [
      {
        file: 'sidecars/supervisor/doors.ts',
        from: '{ host: door.address,',
        to: "{ host: '0.0.0.0',",
      },
    ],
  },
  {
    control: 'own-uid',
    copy: 'sidecars',
    ids: ['CRD-11'],
    suite: SUPERVISOR,
    stays: STILL_SUPERVISES,
    edits: [
      {
        file: 'sidecars/supervisor/life.ts',
        from: '    uid: spec.uid,\n    gid: spec.uid,\n    cwd',
        to: '    cwd',
      },
      // The read-back would refuse such a daemon before anybody could look at it.
      {
        file: 'sidecars/supervisor/life.ts',
        from: "if (!controls.on('privileges-read-back')) return []",
        to: 'return []',
      },
    ],
  },
  {
    control: 'gate-own-uid',
    ids: ['GIT-21'],
    suite: 'unit/supervisor/gate.test.ts',
    stays: /does not run before a remote is declared/,
    edits: [
      {
        file: 'sidecars/supervisor/life.ts',
        from: '    uid: spec.uid,\n    gid: spec.uid,\n    cwd',
        to: "    ...(spec.name === 'git-gate' ? {} : { uid: spec.uid, gid: spec.uid }),\n    cwd",
      },
      {
        file: 'sidecars/supervisor/life.ts',
        from: "if (!controls.on('privileges-read-back')) return []",
        to: 'return []',
      },
    ],
  },
  {
    control: 'unreadable-programs',
    ids: ['CRD-11'],
    suite: SUPERVISOR,
    stays: STILL_SUPERVISES,
    edits: [
      {
        file: 'tests/unit/supervisor/bundle.ts',
        from: 'chmodSync(binary, 0o711)',
        to: 'chmodSync(binary, 0o755)',
      },
    ],
  },
  {
    control: 'hardened-body',
    copy: 'host',
    ids: ['HST-14'],
    suite: 'unit/docker/bodies.test.ts',
    turns: /privilege, host namespace, device|is exactly this for/,
    stays: /is the same every time/,
    edits: [{ file: 'src/drivers/docker/bodies.ts', from: "CapDrop: ['ALL']", to: 'CapDrop: []' }],
  },
  {
    control: 'bounded-report',
    copy: 'host',
    ids: ['SPP-02'],
    suite: 'unit/manifest/hostile.test.ts',
    turns: /little else: many keys/,
    stays: /pollutes no prototype/,
    edits: [
      {
        file: 'src/manifest/report.ts',
        from: 'if (this.#found.size > REPORTED_MAX) return\n',
        to: '',
      },
    ],
  },
  {
    control: 'bounded-file',
    copy: 'host',
    ids: ['SPP-02'],
    suite: 'unit/manifest/hostile.test.ts',
    turns: /refused by its size/,
    stays: /pollutes no prototype/,
    edits: [{ file: 'src/manifest/source.ts', from: 'bytes.length > MANIFEST_MAX', to: 'false' }],
  },
  {
    control: 'no-follow',
    copy: 'host',
    ids: ['SPP-11'],
    suite: 'unit/execute/secrets.test.ts',
    turns: /when it is a symbolic link/,
    stays: /when it belongs to somebody else/,
    edits: [{ file: 'src/execute/secret-file.ts', from: ' | constants.O_NOFOLLOW', to: '' }],
  },
  {
    control: 'judged-by-descriptor',
    copy: 'host',
    ids: ['SPP-11'],
    suite: 'unit/execute/secrets.test.ts',
    turns: /when its mode is open to others/,
    stays: /when it belongs to somebody else/,
    edits: [{ file: 'src/execute/secret-file.ts', from: '(found.mode & 0o077) !== 0', to: 'false' }],
  },
  {
    control: 'plugins-of-the-user',
    copy: 'host',
    ids: ['SPP-13'],
    suite: 'unit/plugins/protection.test.ts',
    turns: /not when others can write/,
    stays: /and is, where nobody else can/,
    edits: [{ file: 'src/plugins/protection.ts', from: '(mode & 0o022) !== 0', to: 'false' }],
  },
  {
    control: 'launcher-of-its-own',
    copy: 'host',
    ids: ['SPP-13'],
    suite: 'unit/plugins/protection.test.ts',
    turns: /by what the environment names/,
    stays: /and is, where nobody else can/,
    edits: [{ file: 'bin/bot-bottle', from: 'unset NODE_OPTIONS NODE_PATH ', to: 'unset ' }],
  },
  {
    control: 'absolute-tools',
    copy: 'host',
    ids: ['SPP-13'],
    suite: 'unit/plugins/protection.test.ts',
    turns: /by programs of the folder/,
    stays: /and is, where nobody else can/,
    edits: [{ file: 'bin/bot-bottle', from: '  PATH=$absolute\n', to: '' }],
  },
  {
    control: 'plugins-from-their-folder',
    copy: 'host',
    ids: ['SPP-13'],
    suite: 'unit/plugins/protection.test.ts',
    turns: /and never a package of a folder above/,
    stays: /and is, where nobody else can/,
    edits: [{ file: 'src/plugins/load.ts', from: 'if (isOwn(found.url, folder))', to: 'if (folder)' }],
  },
  {
    control: 'no-redirect-with-token',
    copy: 'forges',
    ids: ['GIT-23'],
    suite: 'unit/forges/failures.test.ts',
    stays: /shows the token in one field/,
    edits: [
      {
        file: 'src/forges/rest/calls.ts',
        from: 'return read(doing, method, answer)',
        to: `const { location } = answer.headers
      if (location === undefined) return read(doing, method, answer)
      const there = { ...endpoint, port: Number(new URL(location).port) }
      return read(doing, method, await dialled(doing, there, sent, AbortSignal.any([signal, time])))`,
      },
    ],
  },
  {
    control: 'forge-words-scrubbed',
    ids: ['GIT-23'],
    suite: 'unit/forges/failures.test.ts',
    stays: /shows the token in one field/,
    edits: [{ file: 'src/forges/rest/calls.ts', from: 'scrubber.clean(own)', to: 'own' }],
  },
  {
    control: 'forge-address-judged',
    copy: 'forges',
    ids: ['SPP-15'],
    suite: 'unit/forges/way.test.ts',
    stays: /is dialled as it was judged/,
    edits: [
      { file: 'src/forges/rest/endpoint.ts', from: 'if (fit.length > 0) return fit', to: 'return addresses' },
    ],
  },
  {
    control: 'key-kept-until-gone',
    copy: 'keys',
    ids: ['GIT-22'],
    suite: 'unit/cli/key-life.test.ts',
    turns: /that could not be revoked is named/,
    stays: /may push where one is/,
    edits: [
      {
        file: 'src/execute/keys.ts',
        from: 'if (failures.length > 0) throw failures[0]',
        to: 'failures.pop()',
      },
    ],
  },
  {
    control: 'key-that-only-fetches',
    copy: 'keys',
    ids: ['GIT-22'],
    suite: 'unit/cli/key-life.test.ts',
    turns: /may only fetch where no push is declared/,
    stays: /may push where one is/,
    edits: [
      {
        file: 'src/manifest/desired-git.ts',
        from: '((push?.allow ?? []).length === 0 && push?.tags !== true)',
        to: 'false',
      },
    ],
  },
  {
    control: 'key-pair-gone-on-with',
    copy: 'keys',
    ids: ['GIT-22'],
    suite: 'unit/cli/key-life.test.ts',
    turns: /never answered is the one that the next run goes on with/,
    stays: /may push where one is/,
    edits: [{ file: 'src/execute/keys.ts', from: 'resumable(keys.rows().rows, wanted) ?? ', to: '' }],
  },
  {
    control: 'key-verified-first',
    copy: 'keys',
    ids: ['GIT-22'],
    suite: 'unit/execute/verify.test.ts',
    turns: /leaves that one in force, at the forge and at the gate/,
    stays: /a change of what may be pushed asks nothing/,
    edits: [
      {
        file: 'src/execute/keys.ts',
        from: '  await verified(action, row, deps)\n  // From here on',
        to: '  // From here on',
      },
    ],
  },
  {
    control: 'gate-knows-prints-alone',
    copy: 'keys',
    ids: ['CRD-11'],
    suite: 'unit/cli/gate-known.test.ts',
    turns: /no value is in what is told/,
    stays: /placeholders and canary of its agent/,
    edits: [
      {
        file: 'src/cli/secrets/gate-known.ts',
        from: '    named,\n',
        to: '    named: [...named, ...[...found.values()].map((secret) => secret.reveal())],\n',
      },
    ],
  },
  ...HOST_MUTANTS,
]
