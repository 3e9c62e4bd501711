/** `--mount type=bind,source=…,target=…` (docker's cli/opts/mount.go). */
import { BerthError } from "../lib/error.ts";
import { parseSizeBytes } from "../lib/size.ts";
import type { Mount, MountType } from "../wire/schema.ts";
import { parseCsvLine } from "./csv.ts";
import { parseSwitch } from "./flags.ts";
import { absolutePath } from "./path.ts";

/** Keys that may stand alone. */
const SWITCHES = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"];

export function parseMount(text: string): Mount {
  const mount: Mount = { Type: "volume" };
  for (const field of parseCsvLine(text)) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    if (equals < 0 && !SWITCHES.includes(key))
      throw wrong(`invalid field '${field}' must be a key=value pair`);
    const setter = FIELDS[key];
    if (setter === undefined) throw wrong(`unexpected key '${key}' in '${field}'`);
    setter(mount, equals < 0 ? "true" : field.slice(equals + 1), key);
  }
  return requireSense(mount);
}

type Setter = (mount: Mount, value: string, key: string) => void;

const setSource: Setter = (mount, value) => {
  mount.Source = value.startsWith(".") ? absolutePath(value) : value;
};
const setTarget: Setter = (mount, value) => {
  mount.Target = value;
};
const setReadOnly: Setter = (mount, value, key) => {
  mount.ReadOnly = switchValue(key, value);
};

const FIELDS: Readonly<Record<string, Setter>> = {
  type: (mount, value) => {
    mount.Type = value.toLowerCase() as MountType;
  },
  source: setSource,
  src: setSource,
  target: setTarget,
  dst: setTarget,
  destination: setTarget,
  readonly: setReadOnly,
  ro: setReadOnly,
  consistency: (mount, value) => {
    mount.Consistency = value.toLowerCase();
  },
  "bind-propagation": (mount, value) => {
    const propagation = value.toLowerCase() as "rprivate";
    mount.BindOptions = { ...mount.BindOptions, Propagation: propagation };
  },
  "bind-nonrecursive": (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, NonRecursive: switchValue(key, value) };
  },
  "bind-create-src": (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, CreateMountpoint: switchValue(key, value) };
  },
  "bind-recursive": (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, ...recursive(key, value) };
  },
  "volume-nocopy": (mount, value, key) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: switchValue(key, value) };
  },
  "volume-subpath": (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
  },
  "image-subpath": (mount, value) => {
    mount.ImageOptions = { Subpath: value };
  },
  "tmpfs-size": (mount, value, key) => {
    mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: sizeValue(key, value) };
  },
  "tmpfs-mode": (mount, value, key) => {
    if (!/^[0-7]+$/.test(value)) throw wrong(`invalid value for ${key}: ${value}`);
    mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
  },
};

function recursive(key: string, value: string): NonNullable<Mount["BindOptions"]> {
  if (value === "enabled") return {};
  if (value === "disabled") return { NonRecursive: true };
  if (value === "writable") return { ReadOnlyNonRecursive: true };
  if (value === "readonly") return { ReadOnlyForceRecursive: true };
  throw wrong(
    `invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
  );
}

function requireSense(mount: Mount): Mount {
  const { Type: type, BindOptions: bind, VolumeOptions: volume, TmpfsOptions: tmpfs } = mount;
  if (volume && type !== "volume") throw wrong(`cannot mix 'volume-*' options with mount type '${type}'`);
  if (bind && type !== "bind") throw wrong(`cannot mix 'bind-*' options with mount type '${type}'`);
  if (tmpfs && type !== "tmpfs") throw wrong(`cannot mix 'tmpfs-*' options with mount type '${type}'`);
  if (bind?.ReadOnlyNonRecursive && !mount.ReadOnly) throw needsReadOnly("writable");
  if (bind?.ReadOnlyForceRecursive && !mount.ReadOnly) throw needsReadOnly("readonly");
  if (bind?.ReadOnlyForceRecursive && bind.Propagation !== "rprivate") {
    throw wrong(
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    );
  }
  if (!mount.Target) throw wrong("target is required");
  return mount;
}

function needsReadOnly(value: string): BerthError {
  return wrong(`option 'bind-recursive=${value}' requires 'readonly' to be specified in conjunction`);
}

function switchValue(key: string, value: string): boolean {
  try {
    return parseSwitch(value);
  } catch {
    throw wrong(`invalid value for ${key}: ${value}`);
  }
}

function sizeValue(key: string, value: string): number {
  try {
    return parseSizeBytes(value);
  } catch {
    throw wrong(`invalid value for ${key}: ${value}`);
  }
}

function wrong(message: string): BerthError {
  return new BerthError("invalid", message);
}
