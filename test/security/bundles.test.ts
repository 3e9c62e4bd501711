/**
 * `berth oci` and what a hostile image, or whoever may write into a bundle, puts before it: ids that are paths, a root that is a link,
 * control groups of others, files of the runtime's that are links. An engine calls it as root.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { busyboxTar } from "../support/busybox.ts";
import { type CommandResult, output, PATH } from "../support/command.ts";
import { BERTH } from "../support/engine.ts";
import { has } from "../support/parts.ts";

interface Config {
  process: Record<string, unknown> & { args: string[] };
  root: { path: string };
  hooks?: object;
  linux: Record<string, unknown>;
}

const SECRET = "the host's own words\n";

/** A bundle below a directory of its own, a state directory beside it, and `outside`, which nothing may touch. */
class Bundle implements AsyncDisposable {
  readonly place: string;
  readonly outside: string;

  private constructor(place: string) {
    this.place = place;
    this.outside = `${place}/outside`;
  }

  static async make(): Promise<Bundle> {
    const bundle = new Bundle(await mkdtemp("/tmp/bundle-"));
    await mkdir(`${bundle.place}/b/rootfs`, { recursive: true });
    await mkdir(bundle.outside);
    await writeFile(`${bundle.outside}/secret`, SECRET);
    await output(["tar", "-C", `${bundle.place}/b/rootfs`, "-x"], { stdin: await busyboxTar() });
    await output([BERTH, "oci", "spec", "--bundle", `${bundle.place}/b`]);
    return bundle;
  }

  get group(): string {
    return `/${basename(this.place)}`;
  }

  async configure(change: (config: Config) => void = () => undefined): Promise<void> {
    const path = `${this.place}/b/config.json`;
    const config = JSON.parse(await readFile(path, "utf8")) as Config;
    config.process = { ...config.process, terminal: false, args: ["sleep", "100"] };
    config.root.path = "rootfs";
    config.linux["cgroupsPath"] = this.group;
    delete config.hooks;
    change(config);
    await writeFile(path, JSON.stringify(config));
  }

  /** Its streams are files: a container that goes on holds nobody up. */
  async call(...words: readonly string[]): Promise<CommandResult> {
    const [out, err] = [`${this.place}/b/out`, `${this.place}/b/err`];
    await Promise.all([writeFile(out, ""), writeFile(err, "")]);
    const child = Bun.spawn([BERTH, "oci", "--root", `${this.place}/state`, ...words], {
      cwd: `${this.place}/b`,
      env: { PATH },
      stdio: ["ignore", Bun.file(out), Bun.file(err)],
      timeout: 15_000,
      killSignal: "SIGKILL",
    });
    const code = await child.exited;
    return { code, stdout: await readFile(out, "utf8"), stderr: await readFile(err, "utf8") };
  }

  async isUntouched(): Promise<void> {
    expect(await readdir(this.outside)).toEqual(["secret"]);
    expect(await readFile(`${this.outside}/secret`, "utf8")).toBe(SECRET);
    expect((await readdir(this.place)).toSorted().filter((name) => name !== "state")).toEqual([
      "b",
      "outside",
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of (await this.call("list", "-q")).stdout.split("\n").filter(Boolean))
      await this.call("delete", "--force", id);
    for (const hierarchy of await readdir("/sys/fs/cgroup"))
      await rmdir(`/sys/fs/cgroup/${hierarchy}${this.group}-up`).catch(() => undefined); // or there is none
    await rm(this.place, { recursive: true, force: true });
  }
}

describe.if(has("root", "busybox"))("berth oci", () => {
  let bundle: Bundle;
  beforeAll(async () => {
    bundle = await Bundle.make();
  }, 30_000);
  afterAll(() => bundle[Symbol.asyncDispose](), 30_000);

  test.each(["..", ".", "", "../evil", "a/b", "/etc", "a\nb", "a b", "a\u001b[31m", "é", "a".repeat(2000)])(
    "takes no id %j, for no command",
    async (id) => {
      await bundle.configure();
      for (const words of [
        ["create"],
        ["run"],
        ["start"],
        ["state"],
        ["kill"],
        ["pause"],
        ["delete"],
        ["delete", "--force"],
        ["exec"],
      ]) {
        const { code } = await bundle.call(...words, id, ...(words[0] === "exec" ? ["true"] : []));
        expect({ words, failed: code !== 0 }).toEqual({ words, failed: true });
      }
      await bundle.isUntouched();
    },
    60_000,
  );

  test.each<[string, (place: string) => Promise<string>]>([
    ["a link to the root of the host", async (place) => (await symlink("/", `${place}/b/link`), "link")],
    [
      "a link to a directory of the host",
      async (place) => (await symlink(`${place}/outside`, `${place}/b/aside`), "aside"),
    ],
    ["behind a link", async (place) => (await symlink(place, `${place}/b/up`), "up/b/rootfs")],
    ["a file", async (place) => (await writeFile(`${place}/b/file`, ""), "file")],
    ["not there", async () => "nosuch"],
  ])(
    "takes no root that is %s",
    async (_, make) => {
      const path = await make(bundle.place);
      await bundle.configure((config) => (config.root.path = path));
      const { code } = await bundle.call("create", "c");
      expect(code).not.toBe(0);
      expect((await bundle.call("list", "-q")).stdout).toBe("");
      await bundle.isUntouched();
    },
    30_000,
  );

  test.each(["/", "", "..", "/..", "../../..", "/./.", "//"])(
    "never takes the root of the control groups for a container's: cgroupsPath %j",
    async (path) => {
      await bundle.configure((config) => (config.linux["cgroupsPath"] = path));
      const id = `${basename(bundle.place)}-root`;
      const { code, stderr } = await bundle.call("create", "--pid-file", `${bundle.place}/b/pid`, id);
      if (path === "") {
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" }); // its id is the name of the group
        const groups = await readFile(
          `/proc/${await readFile(`${bundle.place}/b/pid`, "utf8")}/cgroup`,
          "utf8",
        );
        expect(groups).toContain(`/${id}`);
        expect((await bundle.call("delete", "--force", id)).code).toBe(0);
      } else {
        expect(code).not.toBe(0);
        expect(stderr).toContain("root of the control groups");
      }
    },
    30_000,
  );

  test("takes no group that others are in: they would end with the container", async () => {
    await bundle.configure();
    expect((await bundle.call("create", "first")).code).toBe(0);
    for (const path of [bundle.group, `${bundle.group}/`, `/x/../${bundle.group}`.replace("/x/../", "/")]) {
      await bundle.configure((config) => (config.linux["cgroupsPath"] = path));
      const { code, stderr } = await bundle.call("create", "second");
      expect(code).not.toBe(0);
      expect(stderr).toContain("cgroup is not empty");
    }
    expect((await bundle.call("state", "first")).stdout).toContain('"created"');
    expect((await bundle.call("delete", "--force", "first")).code).toBe(0);
  }, 30_000);

  test("a path with .. stays below the hierarchies", async () => {
    await bundle.configure(
      (config) => (config.linux["cgroupsPath"] = `/../../../..${bundle.group}-up/../../x`),
    );
    await bundle.call("create", "c");
    expect(existsSync(`${bundle.place}/x`)).toBe(false);
    await bundle.call("delete", "--force", "c");
    await bundle.isUntouched();
  }, 30_000);

  test("a pid file that is a link is replaced, never followed; nor is what is written beside it", async () => {
    await bundle.configure();
    await symlink(`${bundle.outside}/secret`, `${bundle.place}/b/pid-link`);
    const linked = await bundle.call("create", "--pid-file", `${bundle.place}/b/pid-link`, "c");
    expect(linked).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(Number(await readFile(`${bundle.place}/b/pid-link`, "utf8"))).toBeGreaterThan(1);
    await bundle.call("delete", "--force", "c");
    await symlink(`${bundle.outside}/secret`, `${bundle.place}/b/.pid`);
    const { code } = await bundle.call("create", "--pid-file", `${bundle.place}/b/pid`, "c");
    expect(code).not.toBe(0);
    expect((await bundle.call("list", "-q")).stdout).toBe("");
    await bundle.isUntouched();
  }, 30_000);

  test("hooks have the environment that config.json gives them, and nothing of the container's or of ours", async () => {
    const hook = {
      path: "/bin/sh",
      args: ["sh", "-c", `env | sort >${bundle.place}/b/env`],
      env: ["ONLY=this"],
    };
    await bundle.configure((config) => {
      config.hooks = { createRuntime: [hook] };
      config.process["env"] = ["PATH=/bin", "LD_PRELOAD=/evil.so", "BUN_OPTIONS=--preload=/evil.ts"];
    });
    expect((await bundle.call("create", "c")).code).toBe(0);
    const lines = (await readFile(`${bundle.place}/b/env`, "utf8"))
      .split("\n")
      .filter((line) => !/^(PWD|SHLVL|_)=|^$/.test(line));
    expect(lines).toEqual(["ONLY=this"]);
    await bundle.call("delete", "--force", "c");
  }, 30_000);

  test.each<[string, (config: Config, outside: string) => void]>([
    ["a working directory of a descriptor", (config) => (config.process["cwd"] = "/proc/self/fd/7")],
    [
      "a working directory that climbs",
      (config, outside) => (config.process["cwd"] = `/../../../..${outside}`),
    ],
    ["a user that wraps around", (config) => (config.process["user"] = { uid: 4294967296, gid: 0 })],
    ["a negative user", (config) => (config.process["user"] = { uid: -1, gid: 0 })],
    ["a sysctl of the host's", (config) => (config.linux["sysctl"] = { "kernel.core_pattern": "|/evil" })],
    [
      "a sysctl in a sysctl",
      (config) => (config.linux["sysctl"] = { "kernel.shm_rmid_forced": "1\nkernel.core_pattern=|/evil" }),
    ],
  ])(
    "with %s is refused, or stays inside",
    async (_, change) => {
      await bundle.configure((config) => change(config, bundle.outside));
      const pattern = await readFile("/proc/sys/kernel/core_pattern", "utf8");
      const created = await bundle.call("create", "c");
      if (created.code === 0) await bundle.call("start", "c");
      expect(await readFile("/proc/sys/kernel/core_pattern", "utf8")).toBe(pattern);
      await bundle.call("delete", "--force", "c");
      await bundle.isUntouched();
    },
    30_000,
  );
});
