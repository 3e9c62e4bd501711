/** An op in words. */
export interface Description {
  /** As strace would show it, shortened. */
  readonly call: string;
  readonly purpose: string;
}
