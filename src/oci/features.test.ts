/** What `features` says: by the types of the specification's schema (github.com/opencontainers/runtime-spec, features-schema.json and features-linux.json, Apache-2.0). */
import { expect, test } from "bun:test";
import { supported } from "./features.ts";

type Type = "string" | "boolean" | "string[]" | "boolean{}" | "string{}";

/** Every field of the schema; `!` must be there. */
const FIELDS: Readonly<Record<string, Type>> = {
  "ociVersionMin!": "string",
  "ociVersionMax!": "string",
  hooks: "string[]",
  mountOptions: "string[]",
  annotations: "string{}",
  potentiallyUnsafeConfigAnnotations: "string[]",
  "linux.namespaces": "string[]",
  "linux.capabilities": "string[]",
  "linux.cgroup.v1": "boolean",
  "linux.cgroup.v2": "boolean",
  "linux.cgroup.systemd": "boolean",
  "linux.cgroup.systemdUser": "boolean",
  "linux.cgroup.rdma": "boolean",
  "linux.seccomp.enabled": "boolean",
  "linux.seccomp.actions": "string[]",
  "linux.seccomp.operators": "string[]",
  "linux.seccomp.archs": "string[]",
  "linux.seccomp.knownFlags": "string[]",
  "linux.seccomp.supportedFlags": "string[]",
  "linux.apparmor.enabled": "boolean",
  "linux.selinux.enabled": "boolean",
  "linux.intelRdt.enabled": "boolean",
  "linux.mountExtensions.idmap.enabled": "boolean",
  "linux.netDevices.enabled": "boolean",
};

function isOf(type: Type, value: unknown): boolean {
  if (type === "string[]") return Array.isArray(value) && value.every((each) => typeof each === "string");
  if (type.endsWith("{}"))
    return Object.values(value as object).every((each) => typeof each === type.slice(0, -2));
  return typeof value === type;
}

/** The leaves of an object by their paths. */
function leaves(value: object, path = ""): [string, unknown][] {
  return Object.entries(value).flatMap(([name, each]): [string, unknown][] => {
    const place = path === "" ? name : `${path}.${name}`;
    const inner = typeof each === "object" && !Array.isArray(each) && place !== "annotations";
    return inner ? leaves(each as object, place) : [[place, each]];
  });
}

const said = leaves(supported());

test("every field that features has is one of the schema, and of its type", () => {
  for (const [path, value] of said) {
    const type = FIELDS[path] ?? FIELDS[`${path}!`];
    expect([path, type !== undefined && isOf(type, value)]).toEqual([path, true]);
  }
});

test("what the schema demands is there", () => {
  const given = said.map(([path]) => path);
  for (const name of Object.keys(FIELDS).filter((path) => path.endsWith("!")))
    expect(given).toContain(name.slice(0, -1));
});
