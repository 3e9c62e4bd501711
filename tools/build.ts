/**
 * Builds the executable: `build.ts [OUT] [--sanitize]` makes OUT/native/* and OUT/berth (OUT is dist when none is named).
 * Every file appears complete, by rename, and dates from before its sources were read: what is saved meanwhile is newer.
 */
import { mkdir, mkdtemp, rename, rm, utimes } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { buildNative } from "./native.ts";
import { deafen } from "./deafen.ts";
import { fitEntry, HAS_ENTRY } from "./entry.ts";

/**
 * How much later than usual code is compiled to machine code: a command that ends within milliseconds pays for the compiler's threads and
 * gets nothing back (a quarter of the CPU time of `berth oci run`). main.ts goes back to the usual for all that live longer.
 */
const JIT_POLICY = 1000;

const started = new Date();
const out = process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "dist";
const sanitize = process.argv.includes("--sanitize");

await mkdir(out, { recursive: true });
const temporary = await mkdtemp(`${out}/.build-`);
try {
  await buildNative(out, { sanitize });
  const build = await sourceDigest();
  const file = await bundle(`${temporary}/berth`, build);
  await deafen(file);
  if (HAS_ENTRY) await fitEntry(file, { entry: await made("entry"), shim: await made("shim"), build });
  await utimes(file, started, started);
  await rename(file, `${out}/berth`);
} finally {
  await rm(temporary, { recursive: true });
}

async function made(program: string): Promise<Buffer> {
  return Buffer.from(await Bun.file(`${out}/native/${program}`).bytes());
}

async function bundle(outfile: string, build: string): Promise<string> {
  const result = await Bun.build({
    entrypoints: ["src/main.ts"],
    target: "bun",
    format: "esm",
    minify: true,
    bytecode: true,
    splitting: true,
    define: { "process.env.BERTH_BUILD": JSON.stringify(build) },
    plugins: [nativeAssets()],
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false, jitPolicy: JIT_POLICY },
  });
  if (!result.success) throw new AggregateError(result.logs, "bun build failed");
  return outfile;
}

/** An import of `…/dist/native/NAME` embeds what this build has made of native/, wherever that is. */
function nativeAssets(): Bun.BunPlugin {
  return {
    name: "native",
    setup(build) {
      build.onResolve({ filter: /dist\/native\// }, ({ path }) => ({
        path: resolve(out, "native", basename(path)),
      }));
    },
  };
}

/** Names a build by its sources, so that a command line knows an engine that was built from others. */
async function sourceDigest(): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256").update(sanitize ? "sanitize" : "");
  for (const path of [...new Bun.Glob("{src,native}/**/*.{ts,c,h}").scanSync()].toSorted()) {
    if (!path.endsWith(".test.ts")) hash.update(path).update(await Bun.file(path).bytes());
  }
  return hash.digest("hex").slice(0, 12);
}
