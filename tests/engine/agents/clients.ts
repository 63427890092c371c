/** Programs that agents fetch with, as lines for a shell of a bottle; each prints the words of what it fetched. */

/** `zone`: last part of the hosts that it asks. Runs in a folder of its own. */
export type Client = readonly [name: string, line: (zone: string) => string]

const page = (zone: string): string => `https://pages.${zone}/words`

const APT = [
  'Dir::State=$PWD',
  'Dir::State::status=$PWD/status',
  'Dir::Cache=$PWD',
  'Dir::Etc=$PWD/etc',
  'Dir::Etc::SourceList=$PWD/sources.list',
  'Dir::Etc::SourceParts=/dev/null',
  'APT::Architecture=amd64',
  'Acquire::Languages=none',
  'Acquire::Retries=0',
]
  .map((option) => `-o ${option}`)
  .join(' ')

/** In every built-in image. */
export const BUILT_IN: readonly Client[] = [
  ['curl', (zone) => `curl -sS --fail-with-body ${page(zone)}`],
  [
    'node fetch',
    (zone) =>
      `node -e "fetch('${page(zone)}').then(async (r) => { console.log(await r.text()); process.exit(r.ok ? 0 : 1) }, (e) => { console.log(String(e.cause ?? e)); process.exit(1) })"`,
  ],
  [
    'python urllib',
    (zone) =>
      `python3 -c "import urllib.request; print(urllib.request.urlopen('${page(zone)}').read().decode())"`,
  ],
  ['git', (zone) => `git clone -q https://git.${zone}/repo.git . && cat words.txt`],
  [
    'apt',
    (zone) => `mkdir -p lists/partial archives/partial etc && touch status
echo 'deb [trusted=yes] https://debian.${zone}/repo stable main' > sources.list
apt-get ${APT} -o APT::Update::Error-Mode=any update && apt-get ${APT} download demo && dpkg-deb --fsys-tarfile demo_1.0_all.deb`,
  ],
]

/** In no image that is built here; a Dockerfile adds them. */
export const ADDED: readonly Client[] = [
  ['wget', (zone) => `wget -nv -O - --tries=1 ${page(zone)}`],
  [
    'python requests',
    (zone) =>
      `python3 -c "import requests; r = requests.get('${page(zone)}'); print(r.text); r.raise_for_status()"`,
  ],
  [
    'pip',
    (zone) =>
      `python3 -m pip install --no-cache-dir --retries 1 --target py -i https://pypi.${zone}/simple demo && cat py/demo.py`,
  ],
  [
    'npm',
    (zone) =>
      `npm install --prefix . --cache .npm --registry https://npm.${zone}/ --fetch-retries 0 --no-audit --no-fund --no-update-notifier demo && cat node_modules/demo/index.js`,
  ],
]

/** The same, whose toolchains are hundreds of megabytes: in whole batteries. */
export const TOOLCHAINS: readonly Client[] = [
  [
    'cargo',
    (zone) => `mkdir -p src .cargo && touch src/lib.rs
printf '[registries.mirror]\\nindex = "sparse+https://crates.${zone}/index/"\\n' > .cargo/config.toml
printf '[package]\\nname = "rs"\\nversion = "0.1.0"\\nedition = "2021"\\n[dependencies]\\ndemo = { version = "1", registry = "mirror" }\\n' > Cargo.toml
CARGO_NET_RETRY=0 CARGO_HOME=$PWD/home cargo fetch && cat home/registry/src/*/demo-1.0.0/src/lib.rs`,
  ],
  [
    'go',
    (zone) =>
      `export GOPROXY=https://go.${zone} GOSUMDB=off GOFLAGS=-modcacherw GOPATH=$PWD/go && go mod download demo.test/mod@v1.0.0 && cat go/pkg/mod/demo.test/mod@v1.0.0/words.go`,
  ],
]

export const HOSTS = ['pages', 'git', 'pypi', 'npm', 'crates', 'go', 'debian'] as const

/** What puts them on a base image: Debian's packages, and npm's archive, unpacked. */
export const dockerfile = (packages: readonly string[]): string =>
  [
    'ARG BOT_BOTTLE_BASE',
    'FROM ${BOT_BOTTLE_BASE}',
    `RUN apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')} && rm -rf /var/lib/apt/lists/*`,
    'COPY package/ /usr/local/lib/npm/',
    'RUN ln -sf ../lib/npm/bin/npm-cli.js /usr/local/bin/npm',
    '',
  ].join('\n')
