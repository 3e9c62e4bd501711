/** `--security-opt`, read. */
import { BerthError } from "../lib/error.ts";
import type { HostConfig } from "../wire/schema.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** The built-in profile, one of the user's, or none. */
  readonly seccomp: "default" | "unconfined" | { readonly json: string };
  /** False: nothing of /proc and /sys is masked or read-only. */
  readonly systemPaths: boolean;
  readonly writableCgroups: boolean;
}

export function securityOptions(hostConfig: HostConfig): SecurityOptions {
  const privileged = hostConfig.Privileged ?? false;
  const defaults: SecurityOptions = {
    noNewPrivileges: false,
    seccomp: privileged ? "unconfined" : "default",
    systemPaths: !privileged,
    writableCgroups: privileged,
  };
  return Object.assign(defaults, ...(hostConfig.SecurityOpt ?? []).map(parseSecurityOption));
}

/** `name`, `name=value` or, as old clients write it, `name:value`. */
export function parseSecurityOption(text: string): Partial<SecurityOptions> {
  const [, name = text, , value = ""] = /^([a-z-]+)([=:])(.*)$/s.exec(text) ?? [];
  switch (name) {
    case "no-new-privileges":
      return { noNewPrivileges: flag(text, value) };
    case "seccomp":
      return { seccomp: seccompOption(value) };
    case "systempaths":
      if (value !== "unconfined") throw invalid(text);
      return { systemPaths: false };
    case "writable-cgroups":
      return { writableCgroups: flag(text, value) };
    case "apparmor":
    case "label":
      return linuxSecurityModule(name, value);
    default:
      throw invalid(text);
  }
}

function flag(text: string, value: string): boolean {
  if (value === "" || value === "true") return true;
  if (value === "false") return false;
  throw invalid(text);
}

function seccompOption(value: string): SecurityOptions["seccomp"] {
  if (value === "unconfined") return "unconfined";
  if (value === "builtin") return "default";
  if (value.trimStart().startsWith("{")) return { json: value };
  throw new BerthError(
    "invalid",
    `opening seccomp profile (${value}) failed: the engine wants its JSON, not its name`,
  );
}

/** Switching off what berth does not switch on is fine; asking for it is not. */
function linuxSecurityModule(name: "apparmor" | "label", value: string): Partial<SecurityOptions> {
  if (value === "unconfined" || value === "disable") return {};
  const module = name === "apparmor" ? "AppArmor profiles" : "SELinux labels";
  throw new BerthError(
    "unsupported",
    `HostConfig.SecurityOpt: berth does not support ${module} yet ("${name}=${value}")`,
  );
}

function invalid(text: string): BerthError {
  return new BerthError("invalid", `invalid --security-opt 2: "${text}"`);
}
