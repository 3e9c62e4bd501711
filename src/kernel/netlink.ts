/** A netlink socket: synchronous requests and their acknowledgements. The kernel answers inside send(), so nothing here waits. */
import { attempt } from "./ffi.ts";
import { NetlinkError } from "./netlink-error.ts";
import {
  concat,
  decodeAttributes,
  decodeMessages,
  NLMSG_DONE,
  NLMSG_ERROR,
  readText,
  readU32,
  type Received,
  setSequence,
} from "./netlink-message.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const SOL_NETLINK = 270;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const NLMSGERR_ATTR_MSG = 1;
const NLM_F_ACK_TLVS = 0x200;
const EINTR = 4;
const BUFFER_SIZE = 64 << 10;

export interface Step {
  /** In words a user understands; it begins the error. */
  readonly what: string;
  readonly message: Uint8Array;
}

export class Netlink implements Disposable {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(BUFFER_SIZE);
  #sequence = 1;

  constructor(protocol: number) {
    this.#fd = must(
      `open a netlink socket for ${protocol === NETLINK_ROUTE ? "routes" : "nf_tables"}`,
      attempt("socket", AF_NETLINK, SOCK_RAW_CLOEXEC, protocol),
    );
    this.#option(SOL_NETLINK, NETLINK_CAP_ACK, new Int32Array([1]));
    this.#option(SOL_NETLINK, NETLINK_EXT_ACK, new Int32Array([1]));
    this.#option(SOL_SOCKET, SO_RCVTIMEO, new BigUint64Array([5n, 0n])); // a lost answer is an error, never a hang
  }

  /** One acknowledged request; answers what came before the acknowledgement. */
  request(what: string, message: Uint8Array): Received[] {
    const outcome = this.exchange([{ what, message }]);
    const [first] = outcome.failures;
    if (first !== undefined) throw first.error;
    return outcome.replies;
  }

  /** All in one send(). Every step is tried; the failures come back in the order of the steps. */
  exchange(steps: readonly Step[]): { replies: Received[]; failures: { step: Step; error: NetlinkError }[] } {
    const first = this.#sequence;
    this.#send(steps.map(({ message }) => this.#number(message)));
    const replies: Received[] = [];
    const failures: { step: Step; error: NetlinkError }[] = [];
    const settle = (answer: Received): boolean => {
      if (answer.type !== NLMSG_ERROR) {
        replies.push(detach(answer));
        return false;
      }
      const step = steps[answer.sequence - first];
      if (step === undefined) return false; // of an earlier exchange that was given up
      const error = refusal(step.what, answer);
      if (error !== undefined) failures.push({ step, error });
      return true;
    };
    for (let open = steps.length; open > 0;) open -= this.#receive().filter(settle).length;
    return { replies, failures };
  }

  /** Everything that a request with NLM_F_DUMP lists. */
  dump(what: string, message: Uint8Array): Received[] {
    const sequence = this.#sequence;
    this.#send([this.#number(message)]);
    const replies: Received[] = [];
    for (;;) {
      for (const answer of this.#receive().filter((each) => each.sequence === sequence)) {
        if (answer.type === NLMSG_DONE) return replies;
        const error = answer.type === NLMSG_ERROR ? refusal(what, answer) : undefined;
        if (error !== undefined) throw error;
        replies.push(detach(answer));
      }
    }
  }

  /** A transaction of nf_tables: begin and end are no steps of their own and are not acknowledged. */
  batch(begin: Uint8Array, steps: readonly Step[], end: Uint8Array): void {
    const first = this.#sequence + 1;
    this.#send([begin, ...steps.map(({ message }) => message), end].map((each) => this.#number(each)));
    let open = steps.length;
    while (open > 0) {
      for (const answer of this.#receive()) {
        if (answer.type !== NLMSG_ERROR) continue;
        const error = refusal(steps[answer.sequence - first]?.what ?? "change the firewall", answer);
        if (error === undefined) open--;
        else throw this.#drained(error);
      }
    }
  }

  [Symbol.dispose](): void {
    attempt("close", this.#fd);
  }

  #number(message: Uint8Array): Uint8Array {
    const numbered = message.slice();
    setSequence(numbered, this.#sequence++);
    return numbered;
  }

  #send(messages: readonly Uint8Array[]): void {
    const bytes = concat(messages);
    must("send to the kernel", attempt("sendto", this.#fd, bytes, bytes.length, 0, 0, 0));
  }

  #receive(): Received[] {
    for (;;) {
      const length = attempt("recvfrom", this.#fd, this.#buffer, BUFFER_SIZE, MSG_TRUNC, 0, 0);
      if (length === -EINTR) continue;
      must("receive from the kernel", length);
      return decodeMessages(this.#buffer.subarray(0, Math.min(length, BUFFER_SIZE)));
    }
  }

  /** A batch that failed says so once per step: the rest is read away, so that the next request meets its own answer. */
  #drained(error: NetlinkError): NetlinkError {
    while (attempt("recvfrom", this.#fd, this.#buffer, BUFFER_SIZE, MSG_DONTWAIT, 0, 0) > 0);
    return error;
  }

  #option(level: number, name: number, value: Int32Array | BigUint64Array): void {
    must("set up a netlink socket", attempt("setsockopt", this.#fd, level, name, value, value.byteLength));
  }
}

function refusal(what: string, answer: Received): NetlinkError | undefined {
  const errno = -((readU32(answer.body) ?? 0) | 0);
  if (errno === 0) return undefined;
  const attributes =
    (answer.flags & NLM_F_ACK_TLVS) === 0 ? undefined : decodeAttributes(answer.body.subarray(4 + 16));
  return new NetlinkError(what, errno, readText(attributes?.get(NLMSGERR_ATTR_MSG)));
}

/** A system call of this socket's; errno never means more here than that netlink is out of order. */
function must(what: string, result: number): number {
  if (result < 0) throw new NetlinkError(what, -result);
  return result;
}

/** A copy that outlives the receive buffer. */
function detach(answer: Received): Received {
  return { ...answer, body: answer.body.slice() };
}
