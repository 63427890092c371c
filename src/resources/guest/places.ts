/** Where provisioning puts what is the agent's own. Pure; the same on every driver. */
import { AGENT } from './environment.ts'

/** A provider has places of its own, where its program looks by itself. */
export interface GuestPlaces {
  /** File of the prompt. */
  readonly prompt: string
  /** Folder with one folder for each skill. */
  readonly skills: string
  /** Folder of the user on the host with skills of this provider, from the home folder; absent: none. */
  readonly userSkills?: string
}

const OWN = `${AGENT.home}/.config/bot-bottle`

/** Of a bottle without a provider. */
export const NEUTRAL_PLACES: GuestPlaces = { prompt: `${OWN}/prompt.md`, skills: `${OWN}/skills` }

/** What was put there, so that what is no longer declared can be taken away. The agent may change it: it decides only about the agent's own files. */
export const PROVISIONED = `${OWN}/provisioned.json`

/** The workspace as it was filled, which `changes` compares with. */
export const FILLED = `${OWN}/workspace.json`
