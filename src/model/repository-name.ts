/** Names of repositories at a forge: `owner/name`, at GitLab also `group/subgroup/name`. */

/** `acme/app` of `acme/app.git`, as a remote's URL has it; what is no name stays none. */
export function repositoryOfPath(path: string): string {
  return path
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
}

/** The steps of a name, fit for a URL's path as they are; `undefined`: no name of a repository. */
export function repositorySteps(repository: string): readonly string[] | undefined {
  const steps = repository.split('/')
  const plain = steps.every(
    (step) => /^[A-Za-z0-9_.-]{1,255}$/.test(step) && step !== '.' && step !== '..' && !step.endsWith('.git'),
  )
  return plain && steps.length >= 2 && steps.length <= 21 ? steps : undefined
}
