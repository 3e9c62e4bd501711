/** `berth system shutdown` and `berth system fsck`. */
import { Connection } from "../client/connection.ts";
import { Client } from "../client/client.ts";
import { Transport } from "../client/transport.ts";
import { formatTable } from "../lib/table.ts";
import { type Command, NONE } from "./command.ts";
import { print } from "./output.ts";
import { resolvePlaces } from "./places.ts";
import { waitForEnd } from "./engine.ts";

export const shutdown: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  description: "Stop the engine\n\nContainers go on; the next engine takes them over.",
  flags: [{ name: "containers", help: "Stop all containers too" }],
  async run({ flags, placeFlags, environment }) {
    const places = resolvePlaces(placeFlags, environment);
    // An engine is not started to be stopped.
    const connection = await Connection.open(places.socket);
    if (connection === undefined) return print(`no engine runs on unix://${places.socket}`);
    const client = new Client(new Transport(places.socket, connection));
    await waitForEnd(places, () => client.shutdown({ containers: flags.on("containers") }));
  },
};

export const fsck: Command = {
  usage: "[OPTIONS]",
  args: NONE,
  description:
    "Look for remains without an owner, and repair\n\nCompares what is recorded with what the kernel and the disk have. Exit code 1 when something is wrong.",
  flags: [{ name: "repair", help: "Remove what has no owner, mend what can be mended" }],
  async run({ flags, client }): Promise<number> {
    const findings = await (await client()).fsck({ repair: flags.on("repair") });
    if (findings.length === 0) {
      print("nothing is lost, nothing is left over");
      return 0;
    }
    const rows = findings.map(({ kind, id, what, repaired }) => [kind, id, repaired ? "yes" : "no", what]);
    print(formatTable([["KIND", "ID", "REPAIRED", "WHAT"], ...rows]));
    return findings.every(({ repaired }) => repaired) ? 0 : 1;
  },
};
