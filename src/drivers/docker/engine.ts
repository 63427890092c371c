/**
 * The Docker engine as this driver sees it: about twenty calls, each decoded, each failure a `DriverError` in words.
 * Absence is an answer (`undefined`) where a caller asks for one object by name.
 */
import { EngineRefusal, type Call } from './call.ts'
import type { Engine, ExecSpec } from './calls.ts'
import { decode, read, type Reader } from './decode.ts'
import { describeEndpoint, type Endpoint } from './endpoint.ts'
import { failure } from './failures.ts'
import { jsonLines } from './lines.ts'
import { heard } from './told.ts'
import { dockerTransport, type Transport } from './transport.ts'

export function openEngine(endpoint: Endpoint, transport: Transport = dockerTransport(endpoint)): Engine {
  const where = describeEndpoint(endpoint)
  const guard = async <T>(operation: string, object: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      throw failure(operation, object, cause, where)
    }
  }
  const ask = <T>(operation: string, object: string, call: Call, reader: (answer: Reader) => T): Promise<T> =>
    guard(operation, object, async () => decode(operation, object, reader, await transport.json(call)))
  const find = async <T>(
    operation: string,
    object: string,
    call: Call,
    reader: (answer: Reader) => T,
  ): Promise<T | undefined> => {
    try {
      return decode(operation, object, reader, await transport.json(call))
    } catch (cause) {
      if (cause instanceof EngineRefusal && cause.status === 404) return undefined
      throw failure(operation, object, cause, where)
    }
  }
  /** `fine`: statuses that mean it is so already. */
  const act = (operation: string, object: string, call: Call, fine: readonly number[] = []): Promise<void> =>
    guard(operation, object, async () => {
      try {
        await transport.json(call)
      } catch (cause) {
        if (!(cause instanceof EngineRefusal && fine.includes(cause.status))) throw cause
      }
    })
  const told = (
    operation: string,
    object: string,
    call: Call,
    progress: (text: string) => void,
  ): Promise<void> =>
    guard(operation, object, async () => {
      try {
        await heard(await transport.stream(call), progress)
      } catch (cause) {
        // A stream that is cut off looks like an engine that went away.
        call.signal?.throwIfAborted()
        throw cause
      }
    })
  /** BuildKit where the engine would take it by itself (23 and later); else its first one. */
  const builder = (tag: string): Promise<1 | 2> =>
    guard('build image', tag, async () => {
      const answer = await transport.stream({ method: 'GET', path: '/_ping' })
      answer.resume()
      return answer.headers['builder-version'] === '2' ? 2 : 1
    })
  const container = (id: string, rest = '') => `/containers/${encodeURIComponent(id)}${rest}`

  return {
    endpoint: where,
    info: () => ask('ask', 'the engine', { method: 'GET', path: '/info' }, read.info),
    containers: () =>
      ask(
        'list',
        'containers',
        { method: 'GET', path: '/containers/json', query: { all: true } },
        read.containers,
      ),
    container: (id) =>
      find('inspect container', id, { method: 'GET', path: container(id, '/json') }, read.container),
    createContainer: (name, body) =>
      ask(
        'create container',
        name,
        { method: 'POST', path: '/containers/create', query: { name }, body },
        read.created,
      ),
    startContainer: (id) => act('start container', id, { method: 'POST', path: container(id, '/start') }),
    stopContainer: (id, seconds) =>
      act(
        'stop container',
        id,
        { method: 'POST', path: container(id, '/stop'), query: { t: seconds } },
        [404],
      ),
    unpauseContainer: (id) =>
      act('unpause container', id, { method: 'POST', path: container(id, '/unpause') }, [404, 409, 500]),
    removeContainer: (id) =>
      act(
        'remove container',
        id,
        { method: 'DELETE', path: container(id), query: { force: true, v: true } },
        [404, 409],
      ),
    memory: (id) =>
      guard('read statistics of container', id, async () => {
        const query = { stream: false, 'one-shot': true }
        // On a connection of its own: where it takes its time, nothing else waits behind it.
        const answer = await transport.stream({ method: 'GET', path: container(id, '/stats'), query })
        for await (const told of jsonLines(answer)) return decode('read statistics', id, read.memory, told)
        return undefined
      }),
    linkAt: (id, path) =>
      guard('look at', `${path} in container ${id}`, async () => {
        try {
          const answer = await transport.stream({
            method: 'HEAD',
            path: container(id, '/archive'),
            query: { path },
          })
          answer.resume()
          return { exists: true, target: linkTarget(answer.headers['x-docker-container-path-stat']) }
        } catch (cause) {
          if (cause instanceof EngineRefusal && cause.status === 404) return { exists: false, target: '' }
          throw cause
        }
      }),
    archive: (id, path) =>
      guard('read', `${path} in container ${id}`, () =>
        transport.stream({ method: 'GET', path: container(id, '/archive'), query: { path } }),
      ),
    exportContainer: (id, signal) =>
      guard('export container', id, () =>
        transport.stream({ method: 'GET', path: container(id, '/export'), signal }),
      ),
    logs: (id, { follow, tail, since, signal }) =>
      guard('read the log of container', id, () =>
        transport.stream({
          method: 'GET',
          path: container(id, '/logs'),
          query: {
            stdout: true,
            stderr: true,
            follow,
            tail: tail ?? 'all',
            ...(since !== undefined && { since }),
          },
          ...(signal && { signal }),
        }),
      ),
    createExec: (id, spec) =>
      ask(
        `run ${spec.argv[0] ?? ''} in container`,
        id,
        { method: 'POST', path: container(id, '/exec'), body: execBody(spec) },
        read.id,
      ),
    startExec: (execId, tty) =>
      guard('start exec', execId, () =>
        transport.hijack({
          method: 'POST',
          path: `/exec/${execId}/start`,
          body: { Detach: false, Tty: tty },
        }),
      ),
    resizeExec: (execId, rows, columns) =>
      act(
        'resize exec',
        execId,
        { method: 'POST', path: `/exec/${execId}/resize`, query: { h: rows, w: columns } },
        [404, 409, 500],
      ),
    execState: (execId) =>
      ask('inspect exec', execId, { method: 'GET', path: `/exec/${execId}/json` }, read.execState),
    networks: () => ask('list', 'networks', { method: 'GET', path: '/networks' }, read.networks),
    network: (name) =>
      find(
        'inspect network',
        name,
        { method: 'GET', path: `/networks/${encodeURIComponent(name)}` },
        read.network,
      ),
    createNetwork: (name, labels, options) =>
      act('create network', name, {
        method: 'POST',
        path: '/networks/create',
        body: {
          Name: name,
          CheckDuplicate: true,
          Driver: 'bridge',
          Internal: false,
          EnableIPv6: false,
          Options: options,
          Labels: labels,
        },
      }),
    removeNetwork: (name) =>
      act('remove network', name, { method: 'DELETE', path: `/networks/${encodeURIComponent(name)}` }, [404]),
    volumes: () => ask('list', 'volumes', { method: 'GET', path: '/volumes' }, read.volumes),
    volume: (name) =>
      find(
        'inspect volume',
        name,
        { method: 'GET', path: `/volumes/${encodeURIComponent(name)}` },
        read.volume,
      ),
    createVolume: (name, labels) =>
      act('create volume', name, {
        method: 'POST',
        path: '/volumes/create',
        body: { Name: name, Driver: 'local', Labels: labels },
      }),
    removeVolume: (name) =>
      act('remove volume', name, { method: 'DELETE', path: `/volumes/${encodeURIComponent(name)}` }, [404]),
    image: (reference) =>
      find('inspect image', reference, { method: 'GET', path: `/images/${reference}/json` }, read.image),
    build: async (context, options, progress) =>
      told(
        'build image',
        options.tag,
        {
          method: 'POST',
          path: '/build',
          query: {
            t: options.tag,
            version: await builder(options.tag),
            rm: true,
            forcerm: true,
            labels: JSON.stringify(options.labels),
            buildargs: JSON.stringify(options.arguments),
            ...(options.network === 'none' && { networkmode: 'none' }),
          },
          upload: context,
          signal: options.signal,
        },
        progress,
      ),
    pull: (reference, progress, signal) => {
      const [, name, tag] = /^(.*?)(?::([\w][\w.-]{0,127}))?$/.exec(reference) ?? []
      const query = reference.includes('@')
        ? { fromImage: reference }
        : { fromImage: name ?? reference, tag: tag ?? 'latest' }
      return told(
        'pull image',
        reference,
        { method: 'POST', path: '/images/create', query, signal },
        progress,
      )
    },
    importImage: (rootfs, { reference, changes = [], message, signal }) =>
      told(
        'import image',
        reference,
        {
          method: 'POST',
          path: '/images/create',
          query: {
            fromSrc: '-',
            ...named(reference),
            ...(changes.length > 0 && { changes: changes.join('\n') }),
            ...(message !== undefined && { message }),
          },
          upload: rootfs,
          ...(signal && { signal }),
        },
        () => undefined,
      ),
    removeImage: (reference) =>
      act('remove image', reference, { method: 'DELETE', path: `/images/${reference}` }, [404]),
    tagImage: (reference, tag) =>
      act('name image', tag, { method: 'POST', path: `/images/${reference}/tag`, query: named(tag) }),
    images: ({ reference } = {}) =>
      ask(
        'list',
        'images',
        {
          method: 'GET',
          path: '/images/json',
          query: reference === undefined ? {} : { filters: JSON.stringify({ reference: [reference] }) },
        },
        read.images,
      ),
    imagesLabelled: (name, value) =>
      ask(
        'list',
        'images',
        {
          method: 'GET',
          path: '/images/json',
          query: { filters: JSON.stringify({ label: [`${name}=${value}`], dangling: ['false'] }) },
        },
        read.imageIds,
      ),
    async *events(since, signal) {
      const call: Call = {
        method: 'GET',
        path: '/events',
        query: { since, filters: JSON.stringify({ type: ['container', 'network', 'volume'] }) },
        signal,
      }
      const stream = await guard('follow', 'events', () => transport.stream(call))
      for await (const line of jsonLines(stream)) yield decode('follow', 'events', read.event, line)
    },
  }
}

function named(reference: string): { readonly repo: string; readonly tag: string } {
  const [, repo, tag] = /^(.*):([^:/]+)$/.exec(reference) ?? []
  return { repo: repo ?? reference, tag: tag ?? 'latest' }
}

function execBody(spec: ExecSpec): object {
  return {
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: spec.tty,
    Cmd: spec.argv,
    User: spec.user,
    WorkingDir: spec.cwd,
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Privileged: false,
    // A detach sequence would be taken out of what the program reads.
    DetachKeys: 'ctrl-^,ctrl-^,ctrl-^,ctrl-^',
  }
}

function linkTarget(header: string | string[] | undefined): string {
  const text = Array.isArray(header) ? header[0] : header
  const stat: unknown = text === undefined ? {} : JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
  return decode('look at', 'a path', (reader) => reader.field('linkTarget').text(''), stat)
}
