import { expect, test } from "bun:test";
import { CONTAINER_FLAGS } from "./container-flags.ts";
import { containerRequest } from "./container-request.ts";
import { parseFlags } from "./flags.ts";

function request(...words: string[]) {
  const { flags, args } = parseFlags(words, CONTAINER_FLAGS, { stopAtArgument: true });
  return containerRequest({ flags, args, environment: { HOME: "/home/me" }, detached: false });
}

test("nothing that was not asked for is asked of the engine", () => {
  expect(request("busybox")).toEqual({
    Image: "busybox",
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    HostConfig: { NetworkMode: "default" },
  });
});

test.each([
  [["-it"], { Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true }],
  [["-i", "-a", "stdout"], { OpenStdin: true, AttachStdin: false, AttachStdout: true, AttachStderr: false }],
  [["-e", "A=1", "-e", "HOME", "-e", "NOPE"], { Env: ["A=1", "HOME=/home/me", "NOPE"] }],
  [["-w", "/x", "-u", "1:2", "-h", "box"], { WorkingDir: "/x", User: "1:2", Hostname: "box" }],
  [["--label", "a=1", "-l", "b"], { Labels: { a: "1", b: "" } }],
  [["--entrypoint", "sh"], { Entrypoint: ["sh"] }],
  [["--entrypoint="], { Entrypoint: [""] }],
  [["--stop-timeout", "3", "--stop-signal", "INT"], { StopTimeout: 3, StopSignal: "INT" }],
  [
    ["--expose", "80", "--expose", "90-91/udp"],
    { ExposedPorts: { "80/tcp": {}, "90/udp": {}, "91/udp": {} } },
  ],
])("%p is about the process", (flags, config) => {
  expect(request(...flags, "busybox", "ls", "-l")).toMatchObject({ Cmd: ["ls", "-l"], ...config });
});

test.each([
  [["-m", "64m", "--memory-swap", "-1"], { Memory: 64 << 20, MemorySwap: -1 }],
  [["--cpus", "1.5", "-c", "512", "--pids-limit", "-1"], { NanoCpus: 1.5e9, CpuShares: 512, PidsLimit: -1 }],
  [
    ["--ulimit", "nofile=5:6", "--ulimit", "core=-1"],
    {
      Ulimits: [
        { Name: "nofile", Soft: 5, Hard: 6 },
        { Name: "core", Soft: -1, Hard: -1 },
      ],
    },
  ],
  [["-v", "/a:/b:ro"], { Binds: ["/a:/b:ro"] }],
  [["-v", "./a:/b"], { Binds: [`${process.cwd()}/a:/b`] }],
  [["--tmpfs", "/t:size=1m", "--tmpfs", "/u"], { Tmpfs: { "/t": "size=1m", "/u": "" } }],
  [
    ["--mount", "type=bind,src=/a,dst=/b,ro"],
    { Mounts: [{ Type: "bind", Source: "/a", Target: "/b", ReadOnly: true }] },
  ],
  [
    ["--mount", "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1777"],
    { Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 1 << 20, Mode: 0o1777 } }] },
  ],
  [
    ["--device", "/dev/a", "--device", "/dev/b:/dev/c:r", "--device", "/dev/d:rw"],
    {
      Devices: [
        { PathOnHost: "/dev/a", PathInContainer: "/dev/a", CgroupPermissions: "rwm" },
        { PathOnHost: "/dev/b", PathInContainer: "/dev/c", CgroupPermissions: "r" },
        { PathOnHost: "/dev/d", PathInContainer: "/dev/d", CgroupPermissions: "rw" },
      ],
    },
  ],
  [["--network", "none"], { NetworkMode: "none" }],
  [["--net", "container:x"], { NetworkMode: "container:x" }],
  [
    ["--rm", "--read-only", "--privileged", "--init"],
    { AutoRemove: true, ReadonlyRootfs: true, Privileged: true, Init: true },
  ],
  [["--init=false"], { Init: false }],
  [["--security-opt", "systempaths=unconfined"], { MaskedPaths: [], ReadonlyPaths: [] }],
  [
    ["--security-opt", "no-new-privileges", "--cap-add", "ALL"],
    { SecurityOpt: ["no-new-privileges"], CapAdd: ["ALL"] },
  ],
  [
    ["--sysctl", "net.core.somaxconn=5", "--log-opt", "max-size=1m"],
    { Sysctls: { "net.core.somaxconn": "5" }, LogConfig: { Type: "", Config: { "max-size": "1m" } } },
  ],
  [
    ["--pid", "host", "--uts", "host", "--ipc", "private", "--cgroupns", "host"],
    { PidMode: "host", UTSMode: "host", IpcMode: "private", CgroupnsMode: "host" },
  ],
  [["--device-read-bps", "/dev/sda:1mb"], { BlkioDeviceReadBps: [{ Path: "/dev/sda", Rate: 1 << 20 }] }],
])("%p is about its surroundings", (flags, hostConfig) => {
  expect(request(...flags, "busybox").HostConfig).toMatchObject(hostConfig);
});

test("an address is a matter of the network", () => {
  expect(request("--ip", "10.0.0.5", "--mac-address", "92:d0:c6:0a:29:33", "busybox")).toMatchObject({
    MacAddress: "92:d0:c6:0a:29:33",
    NetworkingConfig: {
      EndpointsConfig: {
        default: { IPAMConfig: { IPv4Address: "10.0.0.5" }, MacAddress: "92:d0:c6:0a:29:33" },
      },
    },
  });
});

// Each message is what docker 28.2.2 prints.
test.each([
  [["-m", "abc"], 'invalid argument "abc" for "-m, --memory" flag: invalid size: \'abc\''],
  [["-m", "5q"], 'invalid argument "5q" for "-m, --memory" flag: invalid suffix: \'q\''],
  [["--cpus", "abc"], 'invalid argument "abc" for "--cpus" flag: failed to parse abc as a rational number'],
  [
    ["--pids-limit", "abc"],
    'invalid argument "abc" for "--pids-limit" flag: strconv.ParseInt: parsing "abc": invalid syntax',
  ],
  [["--mount", "type=foo"], 'invalid argument "type=foo" for "--mount" flag: target is required'],
  [
    ["--mount", "foo"],
    'invalid argument "foo" for "--mount" flag: invalid field \'foo\' must be a key=value pair',
  ],
  [["--mount", "foo=1"], "unexpected key 'foo' in 'foo=1'"],
  [["-e", "=x"], 'invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x'],
  [["--ulimit", "nofile"], 'invalid argument "nofile" for "--ulimit" flag: invalid ulimit argument: nofile'],
  [["--ulimit", "foo=1"], "invalid ulimit type: foo"],
  [["--ulimit", "nofile=9:1"], "ulimit soft limit must be less than or equal to hard limit: 9 > 1"],
  [["--label", "="], 'invalid argument "=" for "-l, --label" flag: invalid label \'=\': empty name'],
  [
    ["-a", "foo"],
    'invalid argument "foo" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR',
  ],
  [["--sysctl", "a"], 'invalid argument "a" for "--sysctl" flag: sysctl \'a\' is not allowed'],
  [["-v", ""], "invalid empty volume spec"],
  [["--network", ""], "no name set for network"],
  [["--env-file", "/nope"], "open /nope: no such file or directory"],
  [["--pid", "foo"], "--pid: invalid PID mode"],
  [["--device", "/dev/a:/b:rx"], "bad mode specified: rx"],
  [["--security-opt", "foo"], 'Invalid --security-opt: "foo"'],
  [["--memory-swappiness", "101"], "invalid value: 101. Valid memory swappiness range is 0-100"],
  [["-p", "80:80"], "--publish is not supported yet: ports cannot be published yet"],
])("%p is refused", (flags, message) => {
  expect(() => request(...flags, "busybox")).toThrow(message);
});
