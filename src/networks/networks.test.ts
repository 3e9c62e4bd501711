import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { openStore, type Store } from "../store/store.ts";
import { loopbackPlan, Networks, openNetworks } from "./networks.ts";
import { choosePool } from "./pool.ts";
import { Namespace } from "./testbed.ts";

setDefaultTimeout(30_000); // the machine may be busy

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("networks.test.ts: left out, network namespaces need root");

/** An engine's first container, as soon as standard input ends; prints the subnet. */
const RIVAL = `
  const { openNetworks } = await import("./networks.ts");
  const { openStore } = await import("../store/store.ts");
  const [root, instance] = process.argv.slice(-2);
  const networks = await openNetworks({ store: await openStore(root), instance });
  process.stdout.write("ready");
  await Bun.stdin.text();
  networks.plan(networks.allocate("a"));
  process.stdout.write(networks.bridge().subnet);
`;

/** Names of instances that all begin at the first pool. */
function rival(index: number): string {
  const first = choosePool("berth", []).base;
  const names = Array.from({ length: 1000 }, (_, number) => `b${number}`);
  return names.filter((name) => choosePool(name, []).base === first)[index] ?? "";
}

/** An engine's networks, with a host of their own and a world outside of it. */
interface World extends Disposable {
  /** Where this thread is while a test runs. */
  readonly host: Namespace;
  readonly outside: Namespace;
}

function makeWorld(): World {
  const stack = new DisposableStack();
  const host = stack.use(new Namespace());
  const outside = stack.use(new Namespace());
  const pid = outside.sleeper();
  host.run("ip", "link", "set", "lo", "up");
  host.run(
    "ip",
    "link",
    "add",
    "up0",
    "mtu",
    "1400",
    "type",
    "veth",
    "peer",
    "name",
    "up1",
    "netns",
    String(pid),
  );
  host.run("ip", "address", "add", "198.51.100.1/24", "dev", "up0");
  host.run("ip", "link", "set", "up0", "up");
  outside.run("ip", "address", "add", "198.51.100.2/24", "dev", "up1");
  outside.run("ip", "link", "set", "up1", "up");
  host.run("ip", "route", "add", "default", "via", "198.51.100.2");
  stack.use(host.enter());
  return { host, outside, [Symbol.dispose]: () => stack.dispose() };
}

describe.skipIf(!isRoot)("the default bridge", () => {
  let world: World;
  let root: string;
  let store: Store;
  let networks: Networks;
  const containers: Namespace[] = [];

  beforeEach(async () => {
    world = makeWorld();
    root = mkdtempSync("/tmp/b-networks-");
    store = await openStore(root);
    networks = await openNetworks({ store, instance: "berth" });
  });

  afterEach(async () => {
    for (const container of containers.splice(0)) container[Symbol.dispose]();
    await networks.close();
    store.close();
    rmSync(root, { recursive: true });
    world[Symbol.dispose]();
  });

  /** A namespace on the bridge, as a started container has it. */
  async function start(id: string, on: Networks = networks): Promise<Namespace> {
    const container = new Namespace();
    containers.push(container);
    const endpoint = on.allocate(id);
    const plan = on.plan(endpoint);
    await plan.afterClone?.(container.sleeper());
    container.configure(plan);
    return container;
  }

  test("a container reaches the host, and the outside under the host's address", async () => {
    const container = await start("a");
    using _near = world.host.serve("172.17.0.1", 80);
    using _far = world.outside.serve("198.51.100.2", 80);
    expect(await container.fetch("172.17.0.1", 80)).toBe("from 172.17.0.2");
    expect(await container.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
  });

  test("the host and other containers reach it, the outside does not", async () => {
    const [first, second] = [await start("a"), await start("b")];
    using _ = first.serve("172.17.0.2", 80);
    expect(await world.host.fetch("172.17.0.2", 80)).toBe("from 172.17.0.1");
    expect(await second.fetch("172.17.0.2", 80)).toBe("from 172.17.0.3");
    world.outside.run("ip", "route", "add", "172.17.0.0/16", "via", "198.51.100.1");
    expect(await world.outside.fetch("172.17.0.2", 80, 1)).toBe("");
  });

  test("what it sees inside is what docker shows", async () => {
    const container = await start("a");
    const look = () => JSON.parse(container.run("ip", "-j", "address", "show", "dev", "eth0"))[0];
    while (look().operstate !== "UP") await Bun.sleep(1); // the kernel notices a carrier in its own time
    const eth0 = look();
    expect(eth0).toMatchObject({ ifname: "eth0", mtu: 1400, address: "02:42:ac:11:00:02", operstate: "UP" });
    expect(eth0.addr_info).toEqual([
      expect.objectContaining({ local: "172.17.0.2", prefixlen: 16, broadcast: "172.17.255.255" }),
    ]);
    expect(container.run("ip", "route").trim().split(/ *\n/)).toEqual([
      "default via 172.17.0.1 dev eth0",
      "172.17.0.0/16 dev eth0 proto kernel scope link src 172.17.0.2",
    ]);
    expect(container.run("ip", "address", "show", "dev", "lo")).toContain("127.0.0.1/8");
  });

  test("nobody has to ask for a neighbour, and the host's end has no IPv6", async () => {
    const container = await start("a");
    expect(container.run("ip", "neighbour")).toMatch(/^172\.17\.0\.1 dev eth0 lladdr \S+ PERMANENT/);
    expect(world.host.run("ip", "neighbour", "show", "dev", "berth0")).toStartWith(
      "172.17.0.2 lladdr 02:42:ac:11:00:02 PERMANENT",
    );
    expect(world.host.run("bridge", "fdb", "show", "br", "berth0")).toMatch(
      /02:42:ac:11:00:02 dev v\w{11} sticky master berth0 static/,
    );
    expect(
      world.host.run("ip", "-6", "address", "show", "dev", `v${networks.find("a")?.id.slice(0, 11)}`),
    ).toBe("");
  });

  test("a second engine beside it has its own bridge, subnet and table, and removes only those", async () => {
    using otherStore = await openStore(`${root}/other`);
    await using other = await openNetworks({ store: otherStore, instance: "b0a1b2c" });
    const [first, second] = [await start("a"), await start("a", other)];
    using _ = world.outside.serve("198.51.100.2", 80);
    expect(await first.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
    expect(await second.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
    using _server = first.serve("172.17.0.2", 81);
    expect(await second.fetch("172.17.0.2", 81, 1)).toBe("");
    other.release("a");
    await other.removeAll();
    expect(world.host.run("nft", "list", "tables").trim()).toBe("table ip berth");
    expect(await first.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
  });

  test("it works beside a dockerd whose FORWARD chain drops, and leaves no rule there", async () => {
    world.host.run("iptables-nft", "-P", "FORWARD", "DROP");
    const container = await start("a");
    using _ = world.outside.serve("198.51.100.2", 80);
    expect(await container.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
    // dockerd comes up only now, and makes the chain that it leaves to others
    for (const rule of [
      "-F FORWARD",
      "-N DOCKER-USER",
      "-A FORWARD -j DOCKER-USER",
      "-A DOCKER-USER -j RETURN",
    ]) {
      world.host.run("iptables-nft", ...rule.split(" "));
    }
    const later = await start("b");
    expect(await later.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
    expect(world.host.run("iptables-nft", "-S", "DOCKER-USER")).toContain("-A DOCKER-USER -o berth0");
    for (const id of ["a", "b"]) networks.release(id);
    await networks.removeAll();
    expect(world.host.run("iptables-nft", "-S").match(/berth0/g)).toBeNull();
  });

  test("a ruleset that somebody flushed and a bridge that somebody removed are made again", async () => {
    await start("a");
    world.host.run("nft", "flush", "ruleset");
    world.host.run("ip", "link", "delete", "berth0");
    const container = await start("b");
    using _ = world.outside.serve("198.51.100.2", 80);
    expect(await container.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
  });

  test("an engine that comes back keeps bridge, addresses and rules, and knows what has no owner", async () => {
    const [kept] = [await start("kept"), await start("lost")];
    await networks.close();
    networks = await openNetworks({ store, instance: "berth" });
    expect(networks.find("kept")?.address).toBe("172.17.0.2");
    const seen = await networks.recover(new Set(["kept"]), { repair: false });
    expect(seen.map(({ kind, repaired }) => ({ kind, repaired }))).toEqual([
      { kind: "address", repaired: false },
      { kind: "veth", repaired: false },
    ]);
    const repaired = await networks.recover(new Set(["kept"]));
    expect(repaired.map(({ kind, id }) => `${kind} ${id.length}`)).toEqual(["address 10", "veth 12"]);
    expect(await networks.recover(new Set(["kept"]))).toEqual([]);
    expect(world.host.run("ip", "neighbour", "show", "nud", "permanent", "dev", "berth0")).not.toContain(
      "172.17.0.3",
    );
    using _ = kept.serve("172.17.0.2", 80);
    const next = await start("next");
    expect(networks.find("next")?.address).toBe("172.17.0.3");
    expect(await next.fetch("172.17.0.2", 80)).toBe("from 172.17.0.3");
  });

  test("a start that was cut off after the veth was made is repeated with the same endpoint", async () => {
    const before = networks.allocate("a");
    await start("a");
    const again = await start("a");
    expect(networks.find("a")).toEqual(before);
    using _ = world.outside.serve("198.51.100.2", 80);
    expect(await again.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
  });

  test("a container's first packet arrives, though it is sent at once", async () => {
    const udp = await Bun.udpSocket({
      socket: { data: (socket, data, port, address) => void socket.send(data, port, address) },
    });
    for (let count = 0; count < 20; count++) {
      const container = await start(`c${count}`);
      const answered = Promise.withResolvers<string>();
      const socket = await container.inside(() =>
        Bun.udpSocket({ socket: { data: (_, data) => answered.resolve(data.toString()) } }),
      );
      socket.send(`hello ${count}`, udp.port, "172.17.0.1");
      expect(await answered.promise).toBe(`hello ${count}`);
      socket.close();
    }
    udp.close();
  });

  test("the commands that --explain shows do the same", async () => {
    const container = new Namespace();
    containers.push(container);
    const { inside, outside = [] } = networks.preview("a");
    const environment = `PID=${container.sleeper()}`;
    world.host.run("env", environment, "sh", "-e", "-c", outside.join("\n"));
    container.run("sh", "-e", "-c", inside.map(({ label }) => label).join("\n"));
    using _ = world.outside.serve("198.51.100.2", 80);
    expect(await container.fetch("198.51.100.2", 80)).toBe("from 198.51.100.1");
  });

  test("a hundred containers, one after the other, each with its own address", async () => {
    const all = await Promise.all(Array.from({ length: 100 }, (_, index) => start(`c${index}`)));
    const addresses = new Set(all.map((_, index) => networks.find(`c${index}`)?.address));
    expect(addresses.size).toBe(100);
    using _ = world.host.serve("172.17.0.1", 80);
    expect(await all[99]?.fetch("172.17.0.1", 80)).toBe("from 172.17.0.101");
    expect(networks.bridge().endpoints).toBe(100);
  });

  test("a container that is gone before its network exists is an error that names the veth", async () => {
    const endpoint = networks.allocate("a");
    const plan = networks.plan(endpoint);
    const attach = plan.afterClone?.(2 ** 22 - 1);
    expect(attach).rejects.toThrow(/^create veth "v\w{11}" on bridge "berth0": no such process/);
  });

  test("a device that is in the way of the bridge is not touched", () => {
    world.host.run("ip", "link", "add", "berth0", "type", "veth");
    expect(() => networks.allocate("a")).toThrow('network interface "berth0" exists and is no bridge');
  });

  test("an address whose removal comes to nothing is still its container's", () => {
    const { address } = networks.allocate("a");
    const failing = () =>
      store.transaction(() => {
        networks.erase("a");
        throw new Error("no room to write that down");
      });
    expect(failing).toThrow("no room");
    expect(networks.allocate("a").address).toBe(address);
    expect(networks.allocate("b").address).not.toBe(address);
    store.transaction(() => networks.erase("a"));
    networks.release("a");
    expect(networks.allocate("c").address).toBe(address);
  });

  test("a subnet that the host reaches otherwise by now is chosen anew when nobody is on it", async () => {
    networks.allocate("a");
    networks.release("a");
    world.host.run("ip", "route", "add", "172.17.128.0/17", "via", "198.51.100.2");
    await networks.close();
    networks = await openNetworks({ store, instance: "berth" });
    expect(networks.allocate("a").address).toBe("172.18.0.2");
    expect(world.host.run("ip", "-o", "-4", "address", "show", "dev", "berth0").match(/inet \S+/g)).toEqual([
      "inet 172.18.0.1/16",
    ]);
  });

  test("while a container holds the subnet, such a route is an error that says what to do", async () => {
    networks.allocate("a");
    await networks.close();
    world.host.run("ip", "link", "delete", "berth0");
    world.host.run("ip", "route", "add", "172.17.0.0/16", "via", "198.51.100.2");
    networks = await openNetworks({ store, instance: "berth" });
    expect(() => networks.allocate("b")).toThrow("remove that route, or stop all containers");
    networks.release("a");
    expect(networks.allocate("b").address).toBe("172.18.0.2");
  });

  test("a subnet is taken as soon as an address in it is given", async () => {
    networks.preview("a"); // has chosen, and holds nothing
    using otherStore = await openStore(`${root}/other`);
    await using other = await openNetworks({ store: otherStore, instance: rival(0) });
    expect(other.allocate("a").address).toBe("172.17.0.2");
    expect(networks.allocate("a").address).toBe("172.18.0.2");
    for (const each of [other, networks]) each.plan(each.allocate("a"));
  });

  test("engines that make their first bridge in the same moment choose different subnets", async () => {
    const engines = Array.from({ length: 6 }, (_, index) =>
      Bun.spawn([process.execPath, "-e", RIVAL, `${root}/${index}`, rival(index)], {
        cwd: import.meta.dir,
        stdio: ["pipe", "pipe", "inherit"],
      }),
    );
    const outputs = engines.map(({ stdout }) => stdout.getReader());
    for (const output of outputs) await output.read(); // it stands at the line
    for (const { stdin } of engines) void stdin.end();
    const subnets = await Promise.all(
      outputs.map(async (output) => new TextDecoder().decode((await output.read()).value)),
    );
    expect(subnets.toSorted()).toEqual([17, 18, 19, 20, 21, 22].map((part) => `172.${part}.0.0/16`));
  });
});

describe.skipIf(!isRoot)("bookkeeping", () => {
  test("the thousand and first container is told what to do", async () => {
    const root = mkdtempSync("/tmp/b-networks-");
    using store = await openStore(root);
    await using networks = await openNetworks({ store, instance: "berth" });
    using host = new Namespace();
    using _entered = host.enter();
    store.transaction(() => Array.from({ length: 1000 }, (_, index) => networks.allocate(`c${index}`)));
    expect(() => networks.allocate("one more")).toThrow(
      "network bridge is full: a Linux bridge carries 1000 containers; stop some",
    );
    networks.release("c7");
    expect(networks.allocate("one more").address).toBe("172.17.0.9");
    rmSync(root, { recursive: true });
  });

  test("a fixed address is for networks that users make, a fixed MAC is taken", async () => {
    const root = mkdtempSync("/tmp/b-networks-");
    using store = await openStore(root);
    await using networks = await openNetworks({ store, instance: "berth" });
    using host = new Namespace();
    using _ = host.enter();
    expect(() => networks.allocate("a", { ip: "172.17.0.9" })).toThrow(
      "user specified IP address is supported on user defined networks only",
    );
    const endpoint = networks.allocate("a", { mac: "92:D0:c6:0a:29:33" });
    expect(endpoint.mac).toBe("92:d0:c6:0a:29:33");
    expect(networks.describe(endpoint)).toMatchObject({
      IPAddress: "172.17.0.2",
      IPPrefixLen: 16,
      Gateway: "172.17.0.1",
    });
    expect(networks.describe()).toMatchObject({ IPAddress: "", Gateway: "", EndpointID: "" });
    rmSync(root, { recursive: true });
  });

  test("a container without a network has a loopback device", () => {
    using container = new Namespace();
    container.configure(loopbackPlan());
    expect(container.run("ip", "-br", "address")).toMatch(/^lo +UNKNOWN +127\.0\.0\.1\/8/);
  });
});
