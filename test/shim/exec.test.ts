/** Further processes in a container that runs: they join it as it is, and have a shim of their own. */
import { expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { has } from "../support/parts.ts";
import type { MessageOf } from "./support/connection.ts";
import { Place } from "./support/place.ts";
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  containerPlan,
  execPlan,
  type PlanOptions,
  type Target,
} from "./support/plan.ts";
import { failureOf, Shim } from "./support/shim.ts";
import { until } from "./support/within.ts";

const root = test.if(has("root", "busybox"));
const OPEN_STDIN = 2;

/** A container that sleeps. */
async function sleeper(place: Place): Promise<{ shim: Shim; target: MessageOf<"state"> }> {
  const shim = await Shim.container(place, { argv: ["sleep", "60"] });
  shim.start();
  return { shim, target: await shim.running() };
}

async function runExec(
  target: Target,
  options: PlanOptions,
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  using place = new Place();
  await using exec = await Shim.exec(place, target, options);
  const client = await exec.attach();
  exec.start();
  const [output, { exitCode }] = await Promise.all([client.output(), exec.exited()]);
  return { ...output, exitCode };
}

root("sees the container's processes, name, files and network, and ends with its own code", async () => {
  using place = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  const script =
    "echo mark >/tmp/mark; hostname; readlink /proc/self/ns/net; echo $$; cat /proc/1/comm; exit 3";
  const { stdout, exitCode } = await runExec(target, { argv: ["sh", "-c", script] });
  const [hostname, network, pid, first] = stdout.split("\n");
  expect({ hostname, network, first, exitCode }).toEqual({
    hostname: "box",
    network: readlinkSync(`/proc/${target.pid}/ns/net`),
    first: "sleep",
    exitCode: 3,
  });
  expect(Number(pid)).toBeGreaterThan(1);
  expect((await runExec(target, { argv: ["cat", "/tmp/mark"] })).stdout).toBe("mark\n");
});

root("takes user, groups, working directory and environment of its own", async () => {
  using place = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  const argv = ["sh", "-c", "id -u; id -g; id -G; pwd; echo $HOME $X; grep CapEff /proc/self/status"];
  const options = { argv, user: "ada", cwd: "/tmp", env: ["PATH=/bin", "X=y"], setHome: true };
  const { stdout } = await runExec(target, options);
  expect(stdout.split("\n").slice(0, 5)).toEqual(["1000", "1001", "1001 10 29", "/tmp", "/home/ada y"]);
});

root("gets input, and its end", async () => {
  using place = new Place();
  using other = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  await using exec = await Shim.exec(other, target, { argv: ["sort"], flags: OPEN_STDIN | 4 });
  const client = await exec.attach();
  exec.start();
  client.write("b\na\n");
  client.wire.shutdown();
  expect((await client.output()).stdout).toBe("a\nb\n");
});

root("is refused when the process is another one by now", async () => {
  using place = new Place();
  using other = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  const plan = execPlan(other, { pid: target.pid, startTime: target.startTime + 1n }, { argv: ["true"] });
  const failed = await failureOf(other, plan);
  expect(failed).toMatchObject({ errno: 3, object: `process ${target.pid} is not the container's any more` });
});

root("does not find what is not in the container", async () => {
  using place = new Place();
  using other = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  const failed = await failureOf(other, execPlan(other, target, { argv: ["nothing"] }));
  expect(failed).toMatchObject({ errno: 2, object: 'exec: "nothing"' });
});

root("ends with the container", async () => {
  using place = new Place();
  using other = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  await using exec = await Shim.exec(other, target, { argv: ["sleep", "60"] });
  exec.start();
  await exec.running();
  process.kill(target.pid, "SIGKILL");
  expect((await exec.exited()).exitCode).toBe(137);
});

root("leaves no orphan for others: what it leaves behind goes to the container's first process", async () => {
  using place = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  const { exitCode } = await runExec(target, { argv: ["sh", "-c", "(sleep 50 >/dev/null 2>&1 &); exit 0"] });
  expect(exitCode).toBe(0);
  await until("the orphan to be its child", async () =>
    /^\s*1 sleep 50$/m.test((await runExec(target, { argv: ["ps", "-o", "ppid,args"] })).stdout),
  );
});

root("joins namespaces by their files as well", async () => {
  using place = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  using other = new Place();
  const plan = containerPlan(other, {
    argv: ["readlink", "/proc/self/ns/net"],
    namespaces: CLONE_NEWNS,
    inside: [],
  });
  const clone = plan.findIndex(({ op }) => op === "clone");
  plan.splice(clone + 1, 0, { op: "join", path: `/proc/${target.pid}/ns/net`, type: CLONE_NEWNET });
  const hostname = plan.findIndex(({ op }) => op === "hostname");
  plan.splice(hostname, 1); // its UTS namespace is the host's
  await using joined = await Shim.launch(other, plan);
  joined.start();
  await joined.exited();
  expect(other.entries().map(({ log }) => log)).toEqual([`${readlinkSync(`/proc/${target.pid}/ns/net`)}\n`]);
});

root("fifty in a row leave no process behind", async () => {
  using place = new Place();
  const { shim, target } = await sleeper(place);
  await using _shim = shim;
  for (let round = 0; round < 50; round++)
    expect((await runExec(target, { argv: ["true"] })).exitCode).toBe(0);
  const { stdout } = await runExec(target, { argv: ["ps", "-o", "args"] });
  expect(stdout.trim().split("\n")).toEqual(["COMMAND", "sleep 60", "ps -o args"]);
});
