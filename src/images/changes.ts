/** `--change` of import (and commit): single Dockerfile instructions, applied to an image's config as docker's builder does. */
import { posix } from "node:path";
import { parseDurationNs } from "../lib/duration.ts";
import { BerthError } from "../lib/error.ts";
import type { HealthConfig, ImageConfig } from "../wire/schema.ts";
import { expandVariables, splitWords } from "./words.ts";

type Apply = (config: ImageConfig, rest: string, instruction: string) => ImageConfig;

const INSTRUCTIONS: Readonly<Record<string, Apply>> = {
  CMD: (config, rest) => ({ ...config, Cmd: commandOf(rest) }),
  // moby builder/dockerfile/dispatchers.go: an entrypoint takes away the command that was not set with it
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: commandOf(rest) }),
  ENV: (config, rest, name) => ({
    ...config,
    Env: setVariables(config.Env ?? [], pairsOf(expand(config, rest), name, true)),
  }),
  EXPOSE: (config, rest, name) => ({
    ...config,
    ExposedPorts: { ...config.ExposedPorts, ...portsOf(expand(config, rest), name) },
  }),
  LABEL: (config, rest, name) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(pairsOf(expand(config, rest), name, true)) },
  }),
  USER: (config, rest, name) => ({ ...config, User: oneOf(expand(config, rest), name) }),
  VOLUME: (config, rest, name) => ({
    ...config,
    Volumes: { ...config.Volumes, ...emptySet(listOf(expand(config, rest), name)) },
  }),
  WORKDIR: (config, rest, name) => ({
    ...config,
    WorkingDir: workdirOf(config.WorkingDir ?? "", oneOf(expand(config, rest), name)),
  }),
  HEALTHCHECK: (config, rest) => ({ ...config, Healthcheck: healthOf(rest) }),
  ONBUILD: (config, rest) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), checkTrigger(rest)] }),
  STOPSIGNAL: (config, rest, name) => ({ ...config, StopSignal: oneOf(expand(config, rest), name) }),
};

/** Throws `invalid` in the builder's words. */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  return changes.flatMap((change) => change.split("\n")).reduce(applyChange, config);
}

function applyChange(config: ImageConfig, change: string): ImageConfig {
  const line = change.trim();
  if (line === "" || line.startsWith("#")) return config;
  const [, word = "", rest = ""] = /^(\S+)\s*([^]*)$/.exec(line) ?? [];
  const name = word.toUpperCase();
  const apply = INSTRUCTIONS[name];
  if (apply === undefined) throw invalid(`${name} is not a valid change command`);
  if (rest === "") throw invalid(`${name} requires at least one argument`);
  return apply(config, rest, name);
}

function expand(config: ImageConfig, text: string): string {
  return expandVariables(text, config.Env ?? []);
}

/** A JSON array as it is; anything else is for the shell. */
function commandOf(rest: string): string[] {
  return jsonList(rest) ?? ["/bin/sh", "-c", rest];
}

function jsonList(rest: string): string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const parsed: unknown = JSON.parse(rest);
    return Array.isArray(parsed) && parsed.every((item) => typeof item === "string") ? parsed : undefined;
  } catch {
    return undefined; // docker, too, takes a broken array for a shell command
  }
}

function listOf(rest: string, name: string): string[] {
  const list = jsonList(rest) ?? splitWords(rest);
  if (list.length === 0 || list.includes("")) throw invalid(`${name} specified can not be an empty string`);
  return list;
}

function oneOf(rest: string, name: string): string {
  const words = splitWords(rest);
  if (words.length !== 1) throw invalid(`${name} requires exactly one argument`);
  return words[0] ?? "";
}

/** `KEY=value …`, or the old `KEY value of more words`. */
function pairsOf(rest: string, name: string, oldForm: boolean): [string, string][] {
  const old = /^([^\s=]+)\s+([^]*)$/.exec(rest);
  if (oldForm && old !== null) return [[old[1] ?? "", old[2] ?? ""]];
  return splitWords(rest).map((word) => {
    const equals = word.indexOf("=");
    if (equals < 0)
      throw invalid(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    if (equals === 0) throw invalid(`${name} names can not be blank`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function setVariables(env: readonly string[], pairs: readonly [string, string][]): string[] {
  const values = new Map(env.map((entry) => [entry.split("=", 1)[0] ?? "", entry]));
  for (const [key, value] of pairs) values.set(key, `${key}=${value}`);
  return [...values.values()];
}

/** `80`, `80/udp`, `8000-8002`. */
function portsOf(rest: string, name: string): Record<string, Record<string, never>> {
  const ports = listOf(rest, name).flatMap((word) => {
    const [, first, last, protocol = "tcp"] =
      /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
    const [from, to] = [Number(first), Number(last ?? first)];
    if (first === undefined || from > to || to > 65535) throw invalid(`invalid containerPort: ${word}`);
    return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`);
  });
  return emptySet(ports);
}

function emptySet(names: readonly string[]): Record<string, Record<string, never>> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function workdirOf(current: string, next: string): string {
  const joined = next.startsWith("/") ? next : `${current}/${next}`;
  return posix.join("/", joined, ".").replace(/(?<=.)\/$/, "");
}

const HEALTH_FLAGS: Readonly<Record<string, keyof HealthConfig>> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
  retries: "Retries",
};

/** `NONE`, or `[--interval=…] CMD …`. */
function healthOf(rest: string): HealthConfig {
  const health: HealthConfig = {};
  let left = rest;
  for (
    let flag = /^--([a-z-]+)=(\S+)\s+/.exec(left);
    flag !== null;
    flag = /^--([a-z-]+)=(\S+)\s+/.exec(left)
  ) {
    const field = HEALTH_FLAGS[flag[1] ?? ""];
    if (field === undefined) throw invalid(`unknown flag: ${flag[1]}`);
    Object.assign(health, {
      [field]: field === "Retries" ? Number(flag[2]) : parseDurationNs(flag[2] ?? ""),
    });
    left = left.slice(flag[0].length);
  }
  const [, kind = "", command = ""] = /^(\S+)\s*([^]*)$/.exec(left) ?? [];
  if (kind.toUpperCase() === "NONE" && command === "") return { Test: ["NONE"] };
  if (kind.toUpperCase() !== "CMD") throw invalid(`Unknown type "${kind}" in HEALTHCHECK (try CMD)`);
  if (command === "") throw invalid("Missing command after HEALTHCHECK CMD");
  const list = jsonList(command);
  return { Test: list === undefined ? ["CMD-SHELL", command] : ["CMD", ...list], ...health };
}

function checkTrigger(rest: string): string {
  const trigger = (rest.split(/\s/)[0] ?? "").toUpperCase();
  if (trigger === "ONBUILD") throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === "FROM" || trigger === "MAINTAINER")
    throw invalid(`${trigger} isn't allowed as an ONBUILD trigger`);
  return rest;
}

function invalid(message: string): BerthError {
  return new BerthError("invalid", message);
}
