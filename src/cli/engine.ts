/** A client of the engine. On the default socket the command line also starts the engine, and replaces an old one. */
import { dirname } from "node:path";
import { Client } from "../client/client.ts";
import { Connection } from "../client/connection.ts";
import { closed } from "../client/ready.ts";
import { nobodyListens, Transport } from "../client/transport.ts";
import { BerthError } from "../lib/error.ts";
import { demandOurs } from "./desk.ts";
import { failed } from "./failure.ts";
import { fs } from "./fs.ts";
import type { Places } from "./places.ts";

const BUILD = process.env.BERTH_BUILD ?? "source";
/** How long an engine that another command line has just started may take. */
const READY_TIMEOUT_MS = 20_000;

/** What a running engine says of itself in `<run>/engine.json`. */
export interface EngineNote {
  readonly pid: number;
  readonly build: string;
  readonly startedBy: "cli" | "user";
  readonly root: string;
}

export async function connectEngine(places: Places): Promise<Client> {
  const first = await Connection.open(places.socket);
  if (places.explicit) return new Client(new Transport(places.socket, first));
  if (first !== undefined && !isOutdated(await readNote(places.run)))
    return new Client(new Transport(places.socket, first));
  return new Client(new Transport(places.socket, await renewEngine(places, first)));
}

/** Whether this command line may replace the engine: it was started by one, from other sources. One that was killed has left its note to the next. */
function isOutdated(note: EngineNote | undefined): boolean {
  if (note === undefined || note.startedBy !== "cli" || note.build === BUILD) return false;
  demandOurs(); // who performs commands for others replaces nobody, and sees processes of its own
  return isAlive(note.pid);
}

async function renewEngine(places: Places, old: Connection | undefined): Promise<Connection> {
  demandOurs();
  if (process.getuid?.() !== 0) {
    if (old !== undefined) return old;
    throw failed(
      1,
      `berth: no engine runs, and only root can start one: use 'sudo berth …', or name a running one with --host`,
    );
  }
  if (old !== undefined) await retire(places, old);
  return await startEngine(places);
}

/** Asks the old engine to end; containers go on, and the new one adopts them. */
async function retire(places: Places, connection: Connection): Promise<void> {
  const client = new Client(new Transport(places.socket, connection));
  await waitForEnd(places, () => client.shutdown({ containers: false }));
}

/** Returns when the engine that `ask` tells to end is gone, not only when it has heard. */
export async function waitForEnd({ socket }: Places, ask: () => Promise<void>): Promise<void> {
  const pid = (await readNote(dirname(socket)))?.pid ?? 0; // beside the socket: DOCKER_HOST may name another engine than ours
  await ask();
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (isAlive(pid) && performance.now() < deadline) await Bun.sleep(1);
}

/** A process that has ended but is not fetched by its parent yet (`Z`) counts as gone. */
function isAlive(pid: number): boolean {
  const state = readText(`/proc/${pid}/stat`)?.split(") ").at(-1);
  return pid > 0 && state !== undefined && !state.startsWith("Z");
}

/** Starts the engine in a session of its own and returns when it answers. */
async function startEngine(places: Places): Promise<Connection> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  if (isHeld(places.root)) {
    const other = await connectBefore(deadline, places); // it is about to serve, or to end
    if (other !== undefined) return other;
  }
  fs().mkdirSync(places.run, { recursive: true, mode: 0o700 });
  const log = fs().openSync(`${places.run}/engine.log`, "a", 0o600);
  const { size: before } = fs().fstatSync(log);
  try {
    await spawnUntilReady(places, log);
  } finally {
    fs().closeSync(log);
  }
  const connection = await connectBefore(deadline, places); // or to that of another command line, which was faster: then ours has ended
  if (connection === undefined) throw didNotStart(places, before);
  return connection;
}

/** The engine writes to descriptor 3 when it serves, and closes it; when it ends instead, that closes it too. */
async function spawnUntilReady(places: Places, log: number): Promise<void> {
  const { root, run } = places;
  const child = Bun.spawn(
    [...ownCommand(), "daemon", "--started-by", "cli", "--ready-fd", "3", "--root", root, "--run", run],
    {
      stdio: ["ignore", log, log, "pipe"],
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
      cwd: "/",
      detached: true,
    },
  );
  child.unref();
  const ready = child.stdio[3];
  if (typeof ready === "number") await closed(ready);
}

/** How this program is called: from sources under bun there is a script to name. */
function ownCommand(): string[] {
  return Bun.main.startsWith("/$bunfs/") ? [process.execPath] : [process.execPath, Bun.main];
}

/** To the engine that holds the root, once it serves. Undefined where none holds it any more, or it takes too long. */
async function connectBefore(deadline: number, { socket, root }: Places): Promise<Connection | undefined> {
  for (;;) {
    const connection = await Connection.open(socket);
    if (connection !== undefined) return connection;
    if (performance.now() > deadline || !isHeld(root)) return undefined;
    await Bun.sleep(1);
  }
}

/** Whether the process that has noted itself in the lock file of the root lives and holds a lock: its number may be another's by now. */
function isHeld(root: string): boolean {
  const pid = Number(readText(`${root}/lock`)?.trim() ?? 0);
  return isAlive(pid) && new RegExp(`FLOCK .* ${pid} `).test(readText("/proc/locks") ?? "");
}

/** In the words of the engine: the last line that it wrote, but for the lines of a trace. */
function didNotStart({ run, socket }: Places, logBefore: number): BerthError {
  const said = Buffer.from(readText(`${run}/engine.log`) ?? "")
    .subarray(logBefore)
    .toString();
  const last = said.split("\n").findLast((line) => line !== "" && !line.startsWith(" "));
  const why = last ?? nobodyListens(socket).message;
  return new BerthError("unavailable", `the engine did not start: ${why}\n(its log: ${run}/engine.log)`);
}

async function readNote(run: string): Promise<EngineNote | undefined> {
  const text = await Bun.file(`${run}/engine.json`)
    .text()
    .catch(() => ""); // not there, or not ours to read
  return text === "" ? undefined : (JSON.parse(text) as EngineNote);
}

function readText(path: string): string | undefined {
  try {
    return fs().readFileSync(path, "utf8");
  } catch {
    return undefined; // not there, or not ours to read: the same as no answer
  }
}
