/** `npm run bench [-- --smoke] [FIGURE…]`: medians side by side, as the table of docs/performance.md. */
import { cpus, release, totalmem } from "node:os";
import { crowds } from "./crowds.ts";
import { exec } from "./exec.ts";
import type { Figure, Options } from "./figure.ts";
import { load } from "./load.ts";
import { createMany, list, listAll, readyEmpty, readyMany } from "./many.ts";
import { idleMemory, memoryPerContainer } from "./memory.ts";
import { oci } from "./oci.ts";
import { parallelOnBridge, parallelWithoutNetwork } from "./parallel.ts";
import { openPeers, type Peers } from "./peers.ts";
import { phases } from "./phases.ts";
import { seccomp } from "./seccomp.ts";
import { startAlone, startOnBridge, startWithoutNetwork } from "./start.ts";
import { users } from "./userns.ts";
import { command } from "../test/support/command.ts";

/** In this order: the idle engine before it has worked, the thousand containers last. */
const FIGURES: readonly Figure[] = [
  idleMemory,
  readyEmpty,
  startWithoutNetwork,
  startAlone,
  startOnBridge,
  ...users,
  ...phases,
  ...seccomp,
  exec,
  parallelWithoutNetwork,
  parallelOnBridge,
  ...oci,
  memoryPerContainer,
  load,
  createMany,
  list,
  listAll,
  readyMany,
  ...crowds,
];

const words = process.argv.slice(2);
const smoke = words.includes("--smoke");
const wanted = words.filter((word) => !word.startsWith("-"));
const options: Options = smoke ? { rounds: 3, many: 200 } : { rounds: 31, many: 1000 };

const chosen = FIGURES.filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
);
await using peers = await openPeers();
const columns = [
  peers.berth.name,
  ...(peers.docker === undefined ? [] : [peers.docker.name]),
  ...peers.bare.map(({ name }) => name),
];

console.log(await heading(peers));
console.log(row(["what", "goal", ...columns]));
console.log(row(["what", "goal", ...columns].map(() => "---")));
for (const { name, goal, measure } of chosen) {
  const cells = await measure(peers, options);
  console.log(row([name, goal, ...columns.map((column) => cells[column] ?? "")]));
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

async function heading({ docker }: Peers): Promise<string> {
  const parts = [
    new Date().toISOString().slice(0, 10),
    `${cpus().length} × ${cpus()[0]?.model ?? "cpu"}`,
    `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `Linux ${release()}`,
    await versionOf(peers.berth.client[0] ?? "berth"),
    ...(docker === undefined ? [] : [await versionOf("/usr/sbin/dockerd")]),
    await versionOf("runc"),
    await versionOf("bwrap"),
  ];
  return `Measured ${parts.filter((part) => part !== "").join(" · ")}\n`;
}

async function versionOf(program: string): Promise<string> {
  if (Bun.which(program) === null) return "";
  return (await command([program, "--version"])).stdout.split("\n")[0] ?? "";
}
