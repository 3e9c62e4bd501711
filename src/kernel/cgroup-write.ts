/** A limit as a write to a file of a control group: what both versions have in common. */

export interface CgroupWrite {
  readonly path: string;
  readonly data: string;
  /** The kernel may lack the file. */
  readonly optional: boolean;
}

/** A file of a control group; without data it is left alone. `optional`: the kernel may lack it. */
export type CgroupFile = readonly [name: string, data: string | number | undefined, optional?: "optional"];

export function toWrite(directory: string, [name, data, optional]: CgroupFile): CgroupWrite[] {
  if (data === undefined) return [];
  return [{ path: `${directory}/${name}`, data: String(data), optional: optional !== undefined }];
}

/** 0 says nothing. */
export function pidsMax(limit: number): string | number | undefined {
  return limit === 0 ? undefined : limit > 0 ? limit : "max";
}
