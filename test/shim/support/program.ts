/** The shim under test: built from its sources, with sanitizers when BERTH_SHIM_SANITIZE is set; or the one at BERTH_TEST_SHIM. */
import { setDefaultTimeout } from "bun:test";
import { buildNative, filesOf } from "../../../tools/native.ts";

export const SANITIZED = process.env.BERTH_SHIM_SANITIZE !== undefined;

/** The path of the executable. It is made before the first test, whose time it would take. */
export const SHIM = process.env.BERTH_TEST_SHIM ?? (await build());

setDefaultTimeout(30_000); // of a file that runs alone; `tools/test` says it for all

/** The folder bears the digest of the sources, so that the next test process need not build. */
async function build(): Promise<string> {
  const folder = `${process.cwd()}/dist/shim-${await sourceDigest()}${SANITIZED ? "-sanitized" : ""}`;
  const program = `${folder}/native/shim`;
  if (!(await Bun.file(program).exists())) await buildNative(folder, { sanitize: SANITIZED });
  return program;
}

async function sourceDigest(): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const path of filesOf("{native,tools}/**/{*.c,*.h,native.ts}"))
    hash.update(await Bun.file(path).bytes());
  return hash.digest("hex").slice(0, 12);
}
