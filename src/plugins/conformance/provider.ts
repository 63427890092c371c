/** What every provider keeps to, built in or not. Pure: nothing is installed, and no file is read. */
import { isAbsolute } from 'node:path'
import { canonical } from '../../model/json.ts'
import type {
  Contribution,
  CredentialKey,
  Provider,
  ProviderRequest,
  SettingRule,
  StartRequest,
} from '../../model/provider.ts'
import { readContribution } from '../contribution.ts'
import { unless, type Check } from './check.ts'

export interface ProviderSubject {
  readonly provider: Provider
  /** All that it needs, and all that it can take. */
  readonly settings: Readonly<Record<string, string>>
  /** A Dockerfile comes with it: its program need not be a package. */
  readonly dockerfile: boolean
}

const PLACEHOLDER = 'bot_bottle_placeholder_0123456789abcdef0123456789abcdef'
const [HOME, WORKSPACE] = ['/home/agent', '/workspace']
/** Bytes of a link in an archive, without `/opt/agent/`. */
const TARGET_MAX = 88

/** A value for each setting, of the form that its rule asks for. */
export function sampleSettings(
  rules: Readonly<Record<string, SettingRule>>,
): Readonly<Record<string, string>> {
  const sample = ({ type, values: [first = ''] = [] }: SettingRule): string => {
    if (type === 'one-of') return first
    return type === 'url' ? 'https://llm.acme.example/v1' : 'sample'
  }
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, sample(rule)]))
}

export const PROVIDER_CHECKS: readonly Check<ProviderSubject>[] = [
  {
    says: 'contributes the same to the same bottle, in the form of schema/contribution.v1.json',
    first: true,
    problems(subject) {
      const wrong = everyWay(subject).flatMap((one) => {
        const plain = JSON.parse(JSON.stringify(one))
        const read = readContribution(plain)
        const added = unless(canonical(plain) === canonical(one), 'what it contributes is not plain values')
        return 'problems' in read ? [...read.problems, ...added] : added
      })
      const same = canonical(asked(subject)) === canonical(asked(subject))
      return [...new Set(wrong), ...unless(same, 'it contributes something else the second time')]
    },
  },
  {
    says: 'pins every package by its checksum, for both architectures, or has a Dockerfile',
    problems(subject) {
      const { packages } = asked(subject).program
      if (packages.length === 0)
        return unless(subject.dockerfile, 'there is no package, and no `dockerfile` in plugin.yaml')
      return ['x64', 'arm64'].flatMap((cpu) =>
        unless(
          packages.some((one) => one.cpu === undefined || one.cpu === cpu),
          `no package is for ${cpu}`,
        ),
      )
    },
  },
  {
    says: 'has the version of its lock',
    problems(subject) {
      const { packages } = asked(subject).program
      const { version } = subject.provider
      return unless(
        packages.length === 0 || packages.some((one) => one.version.startsWith(version)),
        `\`version\` is ${version}, and no package has it`,
      )
    },
  },
  {
    says: 'names the program that it starts, and proves it',
    problems(subject) {
      const { commands, verify, packages } = asked(subject).program
      const [program = ''] = subject.provider.start(starting(subject))
      const targets = Object.values(commands).flatMap((one) =>
        typeof one === 'string' ? one : Object.values(one),
      )
      return [
        ...unless(
          packages.length === 0 || Object.keys(commands).includes(program),
          `\`start\` begins with ${program}, which is none of \`program.commands\``,
        ),
        ...unless(
          verify.some(([first]) => first === program),
          `\`program.verify\` never runs ${program}`,
        ),
        ...targets
          .filter((target) => target.length > TARGET_MAX)
          .map((target) => `${target} is longer than ${TARGET_MAX} characters`),
      ]
    },
  },
  {
    says: 'gives requests the credential, and nothing else of it to anybody',
    problems: (subject) =>
      subject.provider.takes.flatMap((credential) => {
        const { routes } = asked(subject, { credential })
        return [
          ...unless(
            routes.some(({ auth }) => auth !== undefined && auth !== 'from-agent'),
            `with \`${credential}\` no route carries it: \`auth\``,
          ),
          ...routes
            .filter(({ auth }) => auth === 'from-agent')
            .map(({ host }) => `with \`${credential}\` the route of ${host} passes what the agent holds`),
        ]
      }),
  },
  {
    says: 'lets no route pass every request, and ends no session over what a scan finds',
    problems: (subject) =>
      everyWay(subject).flatMap(({ routes }) =>
        routes.flatMap(({ host, matches = [], dlp }) => [
          ...unless(
            matches.length > 0 && matches.every(({ paths }) => paths.length > 0),
            `the route of ${host} names no paths`,
          ),
          ...unless(dlp.outbound_on_match === 'redact', `the route of ${host} does not redact`),
        ]),
      ),
  },
  {
    says: 'hides each variable that holds the placeholder, and no other',
    problems: (subject) =>
      everyWay(subject).flatMap(({ environment }) =>
        Object.entries(environment).flatMap(([name, value]) =>
          unless(
            subject.provider.hidden.includes(name) === value.includes(PLACEHOLDER.slice(-20)),
            `${name} holds the placeholder and is not in \`hidden\`, or the other way round`,
          ),
        ),
      ),
  },
  {
    says: 'holds nothing of a credential where the bottle has none',
    problems(subject) {
      const { environment, files } = asked(subject)
      const kept = files.filter(({ once }) => once !== true)
      return unless(
        !JSON.stringify([environment, kept]).includes(PLACEHOLDER),
        'without a credential its environment or files hold the placeholder',
      )
    },
  },
  {
    says: 'writes to absolute paths, in the home of the agent as the agent',
    problems: (subject) =>
      everyWay(subject).flatMap(({ files, places }) => [
        ...files.flatMap(({ path, owner, mode }) => [
          ...unless(isAbsolute(path), `${path} is not absolute`),
          ...unless(
            owner === (path.startsWith(`${HOME}/`) ? 'agent' : 'root'),
            `${path} belongs to ${owner}`,
          ),
          ...unless((mode & 0o022) === 0, `${path} can be written by others`),
        ]),
        ...[places.prompt, places.skills].flatMap((path) =>
          unless(path.startsWith(`${HOME}/`), `${path} is not in the home of the agent`),
        ),
        ...unless(!isAbsolute(places.userSkills), `\`userSkills\` is not from the home folder`),
      ]),
  },
  {
    says: 'tells of MCP servers, where it does, in place of files that it writes anyway',
    problems(subject) {
      const tracker = { url: 'https://tracker.acme.example/mcp', headers: {} }
      const request = { ...asking(subject, {}), variables: [] }
      const registered = subject.provider.registration?.({ tracker }, request)
      if (!registered) return []
      const own = new Map(asked(subject).files.map((file) => [file.path, file]))
      return [
        ...unless(
          registered.files.some(({ content }) => content.includes(tracker.url)),
          'no file of `registration` names the server that it was given',
        ),
        ...registered.files.flatMap(({ path, owner, mode, once }) => [
          ...unless(own.has(path), `${path} of \`registration\` is no file of its contribution`),
          ...unless(
            owner === own.get(path)?.owner && mode === own.get(path)?.mode && once !== true,
            `${path} of \`registration\` has another owner or mode, or is written once`,
          ),
        ]),
      ]
    },
  },
  {
    says: 'starts with what the command line adds, and takes a prompt as one word',
    problems(subject) {
      const { provider } = subject
      const extra = ['--added', 'word']
      const prompt = '--not an option; $(nor a command)'
      const headless = provider.headless(prompt, starting(subject, { extra }))
      return [
        ...(['start', 'resume'] as const).flatMap((way) =>
          unless(
            provider[way](starting(subject, { extra })).join(' ').includes('--added word'),
            `\`${way}\` leaves out what the command line adds`,
          ),
        ),
        ...unless(
          headless.filter((word) => word === prompt).length === 1,
          '`headless` does not pass the prompt as one word',
        ),
        ...unless(
          canonical([...provider.headless(prompt, starting(subject))]) !==
            canonical([...provider.start(starting(subject))]),
          '`headless` is the same as `start`',
        ),
      ]
    },
  },
]

function asked(subject: ProviderSubject, over: Partial<ProviderRequest> = {}): Contribution {
  return subject.provider.contribution(asking(subject, over))
}

function asking({ settings }: ProviderSubject, over: Partial<ProviderRequest>): ProviderRequest {
  return { settings, placeholder: PLACEHOLDER, home: HOME, workspace: WORKSPACE, ...over }
}

/** Without a credential, and with each that it takes. */
function everyWay(subject: ProviderSubject): readonly Contribution[] {
  const ways: readonly (CredentialKey | undefined)[] = [undefined, ...subject.provider.takes]
  return ways.map((credential) => asked(subject, credential && { credential }))
}

function starting({ settings }: ProviderSubject, over: Partial<StartRequest> = {}): StartRequest {
  return { hasPrompt: false, extra: [], settings, home: HOME, ...over }
}
