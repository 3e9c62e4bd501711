/** Where the files of a container are. */

export interface Places {
  /** Durable. */
  readonly root: string;
  /** On a tmpfs. */
  readonly run: string;
}

export function containerDirectory({ root }: Places, id: string): string {
  return `${root}/containers/${id}`;
}

export function logPath(places: Places, id: string): string {
  return `${containerDirectory(places, id)}/${id}-json.log`;
}

export function layersDirectory({ root }: Places): string {
  return `${root}/layers`;
}

/** The shim's own directory. */
export function runDirectory({ run }: Places, id: string): string {
  return `${run}/c/${id}`;
}

export function execDirectory({ run }: Places, execId: string): string {
  return `${run}/x/${execId}`;
}

/** What an exec was asked to be, for the next engine. */
export function execRecordPath({ run }: Places, execId: string): string {
  return `${run}/x/${execId}.json`;
}

/** What is renamed to here no longer exists; it is deleted when there is time, or at the next start. */
export function trashPath({ root }: Places, id: string): string {
  return `${root}/tmp/container-${id}`;
}
