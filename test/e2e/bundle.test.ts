/** `berth oci run` of a bundle: what of config.json is relative to it, and what comes from the host. */
import { describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { command, PATH } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";

describe.if(has("root", "busybox"))("berth oci run", () => {
  /** Runs a shell script in a bundle with a root file system below it. */
  async function run(script: string, config: { mounts?: object[]; linux?: object } = {}) {
    const place = mkdtempSync("/tmp/b-bundle-");
    const id = place.slice("/tmp/".length);
    mkdirSync(`${place}/files/bin`, { recursive: true });
    mkdirSync(`${place}/data`);
    writeFileSync(`${place}/data/mark`, "of the bundle\n");
    copyFileSync("/bin/busybox", `${place}/files/bin/busybox`);
    for (const name of ["sh", "cat", "ip", "ls"]) symlinkSync("busybox", `${place}/files/bin/${name}`);
    const namespaces = ["mount", "pid", "network"].map((type) => ({ type }));
    writeFileSync(
      `${place}/config.json`,
      JSON.stringify({
        ociVersion: "1.2.0",
        root: { path: "files" },
        process: { args: ["/bin/sh", "-c", script], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } },
        mounts: [{ destination: "/proc", type: "proc", source: "proc" }, ...(config.mounts ?? [])],
        linux: { namespaces, cgroupsPath: `/${id}`, ...config.linux },
      }),
    );
    try {
      return await command([BERTH, "oci", "--root", `${place}/state`, "run", "--bundle", place, id], {
        env: { PATH },
      });
    } finally {
      rmSync(place, { recursive: true });
    }
  }

  test("finds root and binds below the bundle", async () => {
    const mounts = [{ destination: "in", type: "bind", source: "data", options: ["rbind", "ro"] }];
    expect(await run("cat /in/mark; ls /", { mounts })).toMatchObject({
      stdout: "of the bundle\nbin\ndev\nin\nproc\n",
      code: 0,
    });
  });

  test("puts the container into its control group", async () => {
    const { stdout } = await run("cat /proc/self/cgroup");
    expect(stdout).toMatch(/:\/b-bundle-\w+$/m);
  });

  test("moves a network device into the container", async () => {
    const name = `o${process.pid % 100_000}`;
    Bun.spawnSync(["ip", "link", "add", name, "type", "veth", "peer", "name", `p${name}`]);
    Bun.spawnSync(["ip", "address", "add", "10.98.7.8/24", "dev", name]);
    const { stdout, stderr } = await run("ip -o address show dev inner0", {
      linux: { netDevices: { [name]: { name: "inner0" } } },
    });
    expect(stderr).toBe("");
    expect(stdout).toContain("inet 10.98.7.8/24");
    expect(Bun.spawnSync(["ip", "link", "show", name]).exitCode).not.toBe(0);
  });

  test("does not set the host's network by the name of a namespace", async () => {
    const namespaces = [{ type: "mount" }, { type: "network", path: "/proc/self/ns/net" }];
    const sysctl = { "net.ipv4.ip_default_ttl": "77" };
    const { stderr, code } = await run("true", { linux: { namespaces, sysctl } });
    expect(stderr).toContain("not allowed in host network namespace");
    expect(code).toBe(1);
  });
});
