/** `run --rm --network none large true` of an image of 1 GB in 10,000 files: with a user namespace, where nothing is copied, and without. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { busyboxTar } from "../test/support/busybox.ts";
import { output } from "../test/support/command.ts";
import { type Figure, milliseconds } from "./figure.ts";
import { alternate, once } from "./measure.ts";
import type { Engine, Peers } from "./peers.ts";

const SMALL = "`run --rm --network none busybox true`, in turn with the next two";
const LARGE = "the same of an image of 1 GB";
const AUTO = "the same with `--userns auto`";

export const users: readonly Figure[] = [
  { name: SMALL, goal: "", measure: (peers, { rounds }) => measured(peers, rounds, 0) },
  { name: LARGE, goal: "as for a small image", measure: (peers, { rounds }) => measured(peers, rounds, 1) },
  { name: AUTO, goal: "at most 2 ms more", measure: (peers, { rounds }) => measured(peers, rounds, 2) },
];

let medians: Promise<number[]> | undefined;

async function measured({ berth }: Peers, rounds: number, at: number): Promise<Record<string, string>> {
  medians ??= measure(berth, rounds);
  return { berth: milliseconds((await medians)[at] ?? Number.NaN) };
}

/** All in turn: what else the machine does falls on them alike. */
async function measure({ client }: Engine, rounds: number): Promise<number[]> {
  await importLarge(client);
  await output(["sync"], { timeoutMs: 120_000 }); // what has just been written is not to be written meanwhile
  const run = (...words: string[]) => [...client, "run", "--rm", "--network", "none", ...words, "true"];
  const samples = alternate([run("busybox"), run("large"), run("--userns", "auto", "large")], rounds);
  once([...client, "rmi", "large"]);
  return samples.map(({ median }) => median);
}

const FILES = 10_000;
const FILE_BYTES = 100_000;

async function importLarge(client: Engine["client"]): Promise<void> {
  const top = await mkdtemp("/tmp/bench-large-");
  try {
    await output(["tar", "-C", top, "-x"], { stdin: await busyboxTar() });
    await mkdir(`${top}/data`);
    const bytes = new Uint8Array(FILE_BYTES).fill(7);
    for (let index = 0; index < FILES; index++) await Bun.write(`${top}/data/${index}`, bytes);
    await output(["tar", "--numeric-owner", "-C", top, "-cf", `${top}.tar`, "."], { timeoutMs: 60_000 });
    await output([...client, "import", `${top}.tar`, "large"], { timeoutMs: 120_000 });
  } finally {
    await rm(top, { recursive: true });
    await rm(`${top}.tar`, { force: true });
  }
}
