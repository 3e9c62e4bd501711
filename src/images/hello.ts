/** The hello-world image: a static program inside the executable, made into an ordinary image the first time that somebody asks. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import helloProgram from "../../dist/native/hello" with { type: "file" };
import { type Digest, digestOf } from "../lib/digest.ts";
import { encodeFile, END_OF_TAR } from "../lib/tar-writer.ts";
import { type ImageConfigFile, MEDIA } from "./image.ts";
import type { PreparedLayer } from "./layers.ts";
import type { Library } from "./library.ts";
import { hostPlatform } from "./platform.ts";
import { canonical, isReference, parseReference } from "./reference.ts";

const NAME = canonical(parseReference("hello-world"));
/** The same program is the same image everywhere: nothing in it may depend on when it was made. */
const CREATED = "2026-01-01T00:00:00Z";

export function isHelloWorld(text: string): boolean {
  return isReference(text) && canonical(parseReference(text)) === NAME;
}

/** Some 30 kB: written and unpacked at once, without a worker, because the archive is our own. */
export function installHelloWorld(library: Library): Digest {
  const program = readFileSync(helloProgram);
  const archive = Buffer.concat([encodeFile("hello", program, 0o755), END_OF_TAR]);
  const diffId = digestOf(archive);
  const config = configFile(diffId);
  const blob = library.blobs.put(archive, MEDIA.layer);
  const configDescriptor = library.blobs.put(JSON.stringify(config), MEDIA.config);
  const prepared = library.catalog.layers.has(diffId) ? undefined : unpack(library, program, diffId);
  return library.addImage({ config, configDescriptor, layers: [{ blob, diffId, prepared }], names: [NAME] });
}

function unpack(library: Library, program: Uint8Array, diffId: Digest): PreparedLayer {
  const directory = library.places.newTemporary();
  mkdirSync(`${directory}/fs`, { recursive: true });
  writeFileSync(`${directory}/fs/hello`, program);
  for (const path of ["/fs", "/fs/hello"]) chmodSync(directory + path, 0o755);
  return { directory, diffId, size: program.length };
}

function configFile(diffId: Digest): ImageConfigFile {
  return {
    created: CREATED,
    ...hostPlatform(),
    config: {
      Cmd: ["/hello"],
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [
      { created: CREATED, created_by: "COPY hello / # berth", comment: "part of berth's executable" },
      { created: CREATED, created_by: 'CMD ["/hello"]', empty_layer: true },
    ],
  };
}
