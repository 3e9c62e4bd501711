import { expect, test } from "bun:test";
import { CONTAINER_FLAGS } from "./container-flags.ts";
import { type Flag, parseFlags } from "./flags.ts";

const TABLE: readonly Flag[] = [
  { name: "interactive", short: "i", help: "" },
  { name: "tty", short: "t", help: "" },
  { name: "env", short: "e", value: "list", many: true, help: "" },
  { name: "name", value: "string", help: "" },
  { name: "last", short: "n", value: "int", initial: "-1", help: "" },
  { name: "explain", value: "string", bare: "table", help: "" },
  { name: "link", value: "list", help: "", unsupported: "there are none" },
];

function read(...words: string[]) {
  const { flags, args, help } = parseFlags(words, TABLE);
  return {
    it: [flags.on("interactive"), flags.on("tty")],
    env: flags.list("env"),
    name: flags.text("name"),
    args,
    help,
  };
}

test.each([
  [["-it", "x"], { it: [true, true], args: ["x"] }],
  [["-i", "-t=false"], { it: [true, false] }],
  [["--tty=0", "--interactive"], { it: [true, false] }],
  [["-itfoo=bar"], "unknown shorthand flag: 'f' in -foo=bar"],
  [["-ie", "A=1", "-eB=2", "-e=C=3", "--env", "D", "--env=E=5"], { env: ["A=1", "B=2", "C=3", "D", "E=5"] }],
  [["--name", "a", "--name=b"], { name: "b" }],
  [["--name="], { name: "" }],
  [["--name", "--tty"], { name: "--tty", it: [false, false] }],
  [["a", "-i", "b"], { args: ["a", "b"], it: [true, false] }],
  [["a", "--", "-i", "--x"], { args: ["a", "-i", "--x"], it: [false, false] }],
  [["-", "a"], { args: ["-", "a"] }],
  [["--help"], { help: true }],
  [["-h"], { help: true }],
  [["--help=false", "x"], { help: false, args: ["x"] }],
  [["--nope"], "unknown flag: --nope"],
  [["-x"], "unknown shorthand flag: 'x' in -x"],
  [["--name"], "flag needs an argument: --name"],
  [["-e"], "flag needs an argument: 'e' in -e"],
  [["-ie"], "flag needs an argument: 'e' in -e"],
  [["---x"], "bad flag syntax: ---x"],
  [
    ["--tty=maybe"],
    'invalid argument "maybe" for "-t, --tty" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [["-n", "x"], 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  [["--link", "a"], "--link is not supported yet: there are none"],
])("%p", (words, expected) => {
  if (typeof expected === "string") expect(() => read(...words)).toThrow(expected);
  else expect(read(...words)).toMatchObject(expected);
});

test("flags end at the first argument where what follows is somebody else's", () => {
  const { flags, args } = parseFlags(["-i", "image", "ls", "-t", "--"], TABLE, { stopAtArgument: true });
  expect([flags.on("tty"), args]).toEqual([false, ["image", "ls", "-t", "--"]]);
});

test("a flag with a bare value takes one only behind =", () => {
  const { flags, args } = parseFlags(["--explain", "json"], TABLE);
  expect([flags.text("explain"), args]).toEqual(["table", ["json"]]);
  expect(parseFlags(["--explain=json"], TABLE).flags.text("explain")).toBe("json");
});

test("what was meant is found for a flag that is not there", () => {
  expect(() => parseFlags(["--intractive"], TABLE)).toThrow(
    expect.objectContaining({ status: 125, meant: expect.objectContaining({ word: "intractive" }) }),
  );
});

// docker run --help of docker 28.2.2, sections that people use; the rest is refused by name
test.each(
  "add-host annotation attach cap-add cap-drop cgroupns cidfile cpu-shares cpus cpuset-cpus device entrypoint env env-file group-add hostname init interactive ipc label log-opt memory memory-swap mount name network oom-score-adj pid pids-limit platform privileged pull read-only rm security-opt shm-size stop-signal stop-timeout sysctl tmpfs tty ulimit user uts volume workdir publish publish-all restart link health-cmd gpus runtime userns volumes-from".split(
    " ",
  ),
)("--%s is known", (name) => {
  expect(CONTAINER_FLAGS.some((flag) => flag.name === name)).toBe(true);
});
