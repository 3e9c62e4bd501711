/** ./berth: an exec where nothing has changed, tools/prepare first where something has. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { command } from "../support/command.ts";

const LAUNCHER = `${import.meta.dir}/../../berth`;
const NEWER = `${import.meta.dir}/../../dist/native/newer`;
const SOURCES = ["src/main.ts", "src/cli/run.ts", "native/shim/main.c", "package.json", "package-lock.json"];
const TOOLS = ["tools/build.ts", "tools/native.ts", "tools/deafen.ts", "tools/entry.ts", "tools/newer.c"];
let top = "";

/** A checkout with the real launcher, whose build and executable only say that they were called. */
beforeEach(async () => {
  await rm(top, { recursive: true, force: true });
  top = await mkdtemp("/tmp/launcher-");
  for (const folder of ["src/cli", "native/shim", "tools", "dist"])
    await mkdir(`${top}/${folder}`, { recursive: true });
  await command(["cp", LAUNCHER, `${top}/berth`]);
  await mkdir(`${top}/dist/native`);
  await command(["cp", NEWER, `${top}/dist/native/newer`]);
  await script("tools/prepare", 'echo preparing >&2; touch "$(dirname "$0")/../dist/berth"');
  await script("dist/berth", 'printf "%s|" "$0" "$@" "${BUN_OPTIONS-unset}"');
  for (const file of [...SOURCES, ...TOOLS]) await writeFile(`${top}/${file}`, "");
  await everythingIsOld();
});

afterAll(() => rm(top, { recursive: true, force: true }));

async function script(path: string, body: string): Promise<void> {
  await writeFile(`${top}/${path}`, `#!/bin/sh\n${body}\n`);
  await chmod(`${top}/${path}`, 0o755);
}

async function everythingIsOld(): Promise<void> {
  await command(["sh", "-c", `find ${top} -exec touch -d 2020-01-01 {} +; touch ${top}/dist/berth`]);
}

test("where nothing has changed it only runs the executable, with the words as they are", async () => {
  const { stdout, stderr } = await command([`${top}/berth`, "run", "a b", ""]);
  expect({ stdout, stderr }).toEqual({ stdout: `${top}/dist/berth|run|a b||unset|`, stderr: "" });
});

test("it does not pass on the variables by which Bun runs other code", async () => {
  expect((await command([`${top}/berth`], { env: { BUN_OPTIONS: "--preload=/evil" } })).stdout).toEndWith(
    "|unset|",
  );
});

test.each([...SOURCES, "tools/build.ts"])("a newer %s makes it build, once", async (path) => {
  const later = new Date(Date.now() + 1000);
  await utimes(`${top}/dist/berth`, new Date(2021, 1), new Date(2021, 1));
  await utimes(`${top}/${path}`, new Date(2022, 1), new Date(2022, 1));
  expect((await command([`${top}/berth`])).stderr).toBe("preparing\n");
  await utimes(`${top}/dist/berth`, later, later);
  expect((await command([`${top}/berth`])).stderr).toBe("");
});

test("a file that is gone makes it build", async () => {
  await rm(`${top}/src/cli/run.ts`);
  await utimes(`${top}/dist/berth`, new Date(2021, 1), new Date(2021, 1));
  expect((await command([`${top}/berth`])).stderr).toBe("preparing\n");
});

test("it works by a link, by a link to a link, and from anywhere", async () => {
  await mkdir(`${top}/bin`);
  await symlink("../berth", `${top}/bin/berth`);
  await symlink(`${top}/bin/berth`, `${top}/bin/docker`);
  await utimes(`${top}/dist/berth`, new Date(), new Date());
  for (const words of [[`${top}/bin/berth`], [`${top}/bin/docker`]])
    expect((await command([...words, "x"])).stdout).toContain("/dist/berth|x|");
  expect((await command(["sh", "berth", "x"], { cwd: top })).stdout).toBe("./dist/berth|x|unset|");
});

test("what fails to build is not run", async () => {
  await script("tools/prepare", "echo broken >&2; exit 1");
  await utimes(`${top}/src/main.ts`, new Date(2090, 1), new Date(2090, 1));
  const { stdout, stderr, code } = await command([`${top}/berth`]);
  expect({ stdout, stderr, code }).toEqual({ stdout: "", stderr: "broken\n", code: 125 });
});
