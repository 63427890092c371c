/**
 * What every program in a bottle finds in its environment besides what the manifest gives it: the doors as proxies,
 * the bottle's root in every variable that clients read (lessons.md, 15 and 16), user, HOME, PATH. Pure; the same
 * on every driver.
 */
import { DOORS } from '../../model/names.ts'

/** User of the agent program on every driver (contract.md, What a bottle keeps). */
export const AGENT = {
  uid: 1000,
  gid: 1000,
  name: 'agent',
  home: '/home/agent',
  workspace: '/workspace',
} as const

/** Files that provisioning leaves in the guest, owned by root. */
export const GUEST_FILES = {
  environment: '/etc/bot-bottle/environment.json',
  root: '/etc/bot-bottle/root.pem',
  /** Every authority of the system and the bottle's root; the root alone where the layout is unknown. */
  bundle: '/etc/bot-bottle/ca-bundle.pem',
  /** What git is told (`git.ts`). */
  git: '/etc/bot-bottle/gitconfig',
  /** What the image says to every git, kept from before. */
  imageGit: '/etc/bot-bottle/gitconfig.image',
  /** Git's own file for every user: it includes the two. */
  systemGit: '/etc/gitconfig',
} as const

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Hosts that are never asked through the proxy: the doors themselves. */
const NO_PROXY = 'localhost,127.0.0.1,127.0.0.2,::1'

/** Variables that make a loader, runtime or tool run or read something of the image's choosing. An image's value never reaches a program. */
export const TAKEN_AWAY: readonly string[] = [
  'LD_PRELOAD',
  'LD_LIBRARY_PATH',
  'LD_AUDIT',
  'NODE_OPTIONS',
  'BASH_ENV',
  'ENV',
  'PYTHONSTARTUP',
  'PYTHONHOME',
  'PYTHONPATH',
  'PERL5LIB',
  'PERL5OPT',
  'RUBYOPT',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_CONFIG_COUNT',
  'GIT_CONFIG_PARAMETERS',
  'GIT_SSH_COMMAND',
  'GIT_EXTERNAL_DIFF',
  'DOCKER_HOST',
  'SSH_AUTH_SOCK',
]

/** The program's own variables, by name. `path`: the image's PATH where it has one. */
export function programEnvironment(path: string = DEFAULT_PATH): Readonly<Record<string, string>> {
  const proxy = `http://127.0.0.1:${DOORS.egress}`
  const both = (name: string, value: string) => ({ [name]: value, [name.toLowerCase()]: value })
  const every = (value: string, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, value]))
  return {
    HOME: AGENT.home,
    USER: AGENT.name,
    LOGNAME: AGENT.name,
    PATH: path,
    ...both('HTTP_PROXY', proxy),
    ...both('HTTPS_PROXY', proxy),
    ...both('ALL_PROXY', proxy),
    ...both('NO_PROXY', NO_PROXY),
    // Node's own fetch and http heed the variables above only with this one (Node ≥ 24).
    NODE_USE_ENV_PROXY: '1',
    ...every(GUEST_FILES.root, ['NODE_EXTRA_CA_CERTS', 'CODEX_CA_CERTIFICATE', 'DENO_CERT']),
    ...every(GUEST_FILES.bundle, [
      'SSL_CERT_FILE',
      'REQUESTS_CA_BUNDLE',
      'CURL_CA_BUNDLE',
      'GIT_SSL_CAINFO',
      'PIP_CERT',
      'CARGO_HTTP_CAINFO',
      'AWS_CA_BUNDLE',
      'NIX_SSL_CERT_FILE',
      'PERL_LWP_SSL_CA_FILE',
      'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
    ]),
  }
}

/** The whole environment of the agent program: the manifest's values, over which the program's own always win. */
export function guestEnvironment(
  declared: ReadonlyMap<string, string>,
  path?: string,
): Readonly<Record<string, string>> {
  // A git that was built elsewhere looks for the system's configuration below its own prefix.
  const git = { GIT_CONFIG_SYSTEM: GUEST_FILES.systemGit }
  return { ...Object.fromEntries(declared), ...programEnvironment(path), ...git }
}
