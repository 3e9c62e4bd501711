/** Builds the executable: `build.ts [OUT]` makes OUT/native/* and OUT/berth (OUT is dist when none is named). */
import { basename, resolve } from "node:path";
import { buildNative } from "./native.ts";

const out = process.argv[2] ?? "dist";
await buildNative(out);

const entries = ["src/main.ts"];
const result = await Bun.build({
  entrypoints: entries,
  target: "bun",
  format: "esm",
  minify: true,
  bytecode: true,
  splitting: true,
  define: { "process.env.BERTH_BUILD": JSON.stringify(await sourceDigest()) },
  plugins: [nativeAssets(out)],
  compile: { outfile: `${out}/berth`, autoloadDotenv: false, autoloadBunfig: false },
});
if (!result.success) throw new AggregateError(result.logs, "bun build failed");

/** `import path from "berth:native/NAME"` is the embedded copy of what was built from native/. */
function nativeAssets(folder: string): Bun.BunPlugin {
  return {
    name: "native",
    setup(build) {
      build.onResolve({ filter: /dist\/native\// }, ({ path }) => ({
        path: resolve(folder, "native", basename(path)),
      }));
    },
  };
}

/** Names a build by its sources, so that a command line knows an engine that was built from others. */
async function sourceDigest(): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const path of [...new Bun.Glob("{src,native}/**/*.{ts,c,h}").scanSync()].toSorted()) {
    if (!path.endsWith(".test.ts")) hash.update(path).update(await Bun.file(path).bytes());
  }
  return hash.digest("hex").slice(0, 12);
}
