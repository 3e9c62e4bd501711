/** `berth oci` with bundles that ask for a user namespace: of their own, and of another container. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { busyboxTar } from "../support/busybox.ts";
import { command, output } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";

const BASE = 700_000;
const IDS = [{ containerID: 0, hostID: BASE, size: 65_536 }];

interface Config {
  process: { terminal: boolean; args: string[] };
  root: { readonly: boolean };
  linux: {
    namespaces: { type: string; path?: string }[];
    uidMappings?: typeof IDS;
    gidMappings?: typeof IDS;
  };
}

describe.if(has("root", "busybox"))("berth oci in a user namespace", () => {
  const top = mkdtempSync("/tmp/bt-oci-"); // 0700: the container's root cannot look in from outside
  const bundle = `${top}/bundle`;
  const name = (what: string) => `${what}-${process.pid}`;
  const oci = (...words: string[]) => command([BERTH, "oci", "--root", `${top}/state`, ...words]);

  beforeAll(async () => {
    mkdirSync(`${bundle}/rootfs`, { recursive: true });
    await output(["tar", "-C", `${bundle}/rootfs`, "-x"], { stdin: await busyboxTar() });
    await output(["chown", "-Rh", `${BASE}:${BASE}`, `${bundle}/rootfs`]);
    chmodSync(`${bundle}/rootfs`, 0o755);
    await output([BERTH, "oci", "spec", "--bundle", bundle]);
  });
  afterAll(async () => {
    for (const what of ["first", "second"]) await oci("delete", "--force", name(what));
    rmSync(top, { recursive: true });
  });

  async function start(what: string, change: (linux: Config["linux"]) => Config["linux"]): Promise<number> {
    const file = Bun.file(`${bundle}/config.json`);
    const config = (await file.json()) as Config;
    config.process.terminal = false;
    config.process.args = ["sleep", "300"];
    config.root.readonly = false;
    await Bun.write(file, JSON.stringify({ ...config, linux: change(config.linux) }));
    // The process keeps the caller's streams: pipes to us would not end before it.
    const quiet = ["sh", "-c", `exec "$@" </dev/null >${top}/said 2>&1 || cat ${top}/said`, "sh"];
    const words = [BERTH, "oci", "--root", `${top}/state`, "create", "--bundle", bundle, name(what)];
    expect((await command([...quiet, ...words])).stdout).toBe("");
    expect((await oci("start", name(what))).code).toBe(0);
    return (JSON.parse((await oci("state", name(what))).stdout) as { pid: number }).pid;
  }
  const withUsers = (linux: Config["linux"], path?: string): Config["linux"] => ({
    ...linux,
    namespaces: [
      ...linux.namespaces.filter(({ type }) => type !== "user"),
      { type: "user", ...(path === undefined ? {} : { path }) },
    ],
  });

  test("create, start and exec: root inside, the mapped id outside, also without mappings in a namespace by path", async () => {
    const pid = await start("first", (linux) => ({
      ...withUsers(linux),
      uidMappings: IDS,
      gidMappings: IDS,
    }));
    expect(await Bun.file(`/proc/${pid}/status`).text()).toContain(`Uid:\t${BASE}\t${BASE}`);
    const made = await oci(
      "exec",
      name("first"),
      "sh",
      "-c",
      "id -u; touch /made; stat -c %u /made /dev/null",
    );
    expect(made.stdout).toBe("0\n0\n0\n");
    expect((await output(["stat", "-c", "%u", `${bundle}/rootfs/made`])).trim()).toBe(String(BASE));

    await start("second", ({ uidMappings: _, gidMappings: __, ...linux }) =>
      withUsers(linux, `/proc/${pid}/ns/user`),
    );
    const words = ["readlink", "/proc/self/ns/user"];
    expect((await oci("exec", name("second"), ...words)).stdout).toBe(
      await output(["readlink", `/proc/${pid}/ns/user`]),
    );
  }, 30_000);
});
