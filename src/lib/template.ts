/** Go's text/template, as far as people use it behind `--format`. Values are JSON; functions in them are methods. */
import { BerthError } from "./error.ts";
import { executionError } from "./template-error.ts";
import { FUNCTIONS, type TemplateFunction, typeName } from "./template-functions.ts";
import {
  type Command,
  type List,
  type Node,
  type Operand,
  parseTemplate,
  type Pipe,
  showCommand,
  showOperand,
} from "./template-parser.ts";
import { isMap, isTrue, printValue, type Value } from "./template-values.ts";

export interface TemplateOptions {
  /** What a field that a map lacks is: its value, or undefined for an error. */
  readonly missing?: (
    field: string,
    holder: Readonly<Record<string, Value>>,
  ) => { readonly value: Value } | undefined;
  /** How the type of the outermost value is called in messages. */
  readonly typeName?: string;
  /** In place of those with the same name. */
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
}

export interface Template {
  execute(data: Value, options?: TemplateOptions): string;
}

const NAMES: ReadonlySet<string> = new Set([...Object.keys(FUNCTIONS), "call"]);

/** Throws a BerthError in the words of Go when the text is no template; so does execute() when the data does not fit. */
export function compileTemplate(source: string): Template {
  const list = parseTemplate(source, NAMES);
  return {
    execute: (data, options = {}) => new Execution(source, data, options).run(list),
  };
}

type Flow = "on" | "break" | "continue";

class Execution {
  readonly #source: string;
  readonly #root: Value;
  readonly #options: TemplateOptions;
  readonly #variables: { name: string; value: Value }[];
  #output = "";

  constructor(source: string, root: Value, options: TemplateOptions) {
    this.#source = source;
    this.#root = root;
    this.#options = options;
    this.#variables = [{ name: "$", value: root }];
  }

  run(list: List): string {
    this.#list(list, this.#root);
    return this.#output;
  }

  #list(list: List, dot: Value): Flow {
    for (const node of list) {
      const flow = this.#node(node, dot);
      if (flow !== "on") return flow;
    }
    return "on";
  }

  #node(node: Node, dot: Value): Flow {
    switch (node.node) {
      case "text":
        this.#output += node.text;
        return "on";
      case "action": {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.declare.length === 0) this.#output += printValue(value);
        return "on";
      }
      case "break":
      case "continue":
        return node.node;
      case "range":
        return this.#scoped(() => this.#range(node, dot));
      default:
        return this.#scoped(() => this.#choose(node, dot));
    }
  }

  #choose(node: Extract<Node, { body: List }>, dot: Value): Flow {
    const value = this.#pipe(node.pipe, dot);
    if (!isTrue(value)) return this.#list(node.otherwise, dot);
    return this.#list(node.body, node.node === "with" ? value : dot);
  }

  #range(node: Extract<Node, { body: List }>, dot: Value): Flow {
    const { declare } = node.pipe;
    const pairs = this.#pairs(this.#pipe({ ...node.pipe, declare: [] }, dot), node.pipe);
    if (pairs.length === 0) return this.#list(node.otherwise, dot);
    for (const [key, value] of pairs) {
      const named = declare.length === 2 ? [key, value] : [value];
      const flow = this.#scoped(() => {
        for (const [at, name] of declare.entries()) this.#variables.push({ name, value: named[at] });
        return this.#list(node.body, value);
      });
      if (flow === "break") break;
    }
    return "on";
  }

  /** Maps in the order of their keys, as Go ranges over them. */
  #pairs(value: Value, pipe: Pipe): (readonly [Value, Value])[] {
    if (value === null || value === undefined) return [];
    if (typeof value === "number") return Array.from({ length: value }, (_, at) => [at, at] as const);
    if (Array.isArray(value)) return value.map((item: Value, at) => [at, item] as const);
    if (isMap(value))
      return Object.keys(value)
        .toSorted()
        .map((key) => [key, value[key]] as const);
    const shown = pipe.commands.map(showCommand).join(" | ");
    throw executionError(this.#source, pipe.at, shown, `range can't iterate over ${printValue(value)}`);
  }

  #scoped(work: () => Flow): Flow {
    const before = this.#variables.length;
    const flow = work();
    this.#variables.length = before;
    return flow;
  }

  #pipe(pipe: Pipe, dot: Value): Value {
    let value: Value;
    for (const [at, command] of pipe.commands.entries()) {
      value = this.#command(command, dot, at === 0 ? [] : [value]);
    }
    for (const name of pipe.declare) this.#set(name, value, pipe.assigns);
    return value;
  }

  #set(name: string, value: Value, assigns: boolean): void {
    const old = assigns ? this.#variables.findLast((variable) => variable.name === name) : undefined;
    if (old === undefined) this.#variables.push({ name, value });
    else old.value = value;
  }

  /** `final` is what the command before in the pipeline gave. */
  #command(command: Command, dot: Value, final: readonly Value[]): Value {
    const [first, ...rest] = command.operands;
    if (first === undefined) return undefined;
    const args = (): Value[] => [...rest.map((operand) => this.#operand(operand, dot)), ...final];
    if (first.operand === "name") return this.#call(first.name, command, rest, dot, final);
    const value = this.#operand(first, dot);
    if (typeof value === "function") return this.#method(value as (...args: Value[]) => Value, first, args());
    if (rest.length + final.length === 0) return value;
    const shown = showOperand(first);
    throw executionError(this.#source, first.at, shown, `can't give argument to non-function ${shown}`);
  }

  #call(
    name: string,
    command: Command,
    rest: readonly Operand[],
    dot: Value,
    final: readonly Value[],
  ): Value {
    if (name === "and" || name === "or") return this.#shortCircuit(name, rest, dot, final);
    const args = [...rest.map((operand) => this.#value(operand, dot)), ...final];
    try {
      return (this.#options.functions?.[name] ?? FUNCTIONS[name])?.(...args);
    } catch (error) {
      if (!(error instanceof BerthError) || error.message.startsWith("template: ")) throw error;
      throw executionError(
        this.#source,
        command.at,
        showCommand(command),
        `error calling ${name}: ${error.message}`,
      );
    }
  }

  #shortCircuit(name: "and" | "or", rest: readonly Operand[], dot: Value, final: readonly Value[]): Value {
    let value: Value;
    for (const operand of rest) {
      value = this.#value(operand, dot);
      if (isTrue(value) === (name === "or")) return value;
    }
    return final.length > 0 ? final[0] : value;
  }

  #method(method: (...args: Value[]) => Value, operand: Operand, args: readonly Value[]): Value {
    if (args.length === method.length) return method(...args);
    const name = showOperand(operand).split(".").at(-1);
    const message = `wrong number of args for ${name}: want ${method.length} got ${args.length}`;
    throw executionError(this.#source, operand.at, showOperand(operand), message);
  }

  /** As an argument: a method is called. */
  #value(operand: Operand, dot: Value): Value {
    const value = this.#operand(operand, dot);
    return typeof value === "function"
      ? this.#method(value as (...args: Value[]) => Value, operand, [])
      : value;
  }

  #operand(operand: Operand, dot: Value): Value {
    switch (operand.operand) {
      case "dot":
        return dot;
      case "nil":
        throw executionError(this.#source, operand.at, "nil", "nil is not a command");
      case "constant":
        return operand.value;
      case "name":
        return this.#call(operand.name, { at: operand.at, operands: [operand] }, [], dot, []);
      case "field":
        return this.#fields(dot, operand.fields, operand);
      case "variable":
        return this.#fields(
          this.#variables.findLast(({ name }) => name === operand.name)?.value,
          operand.fields,
          operand,
        );
      case "pipe":
        return this.#fields(this.#pipe(operand.pipe, dot), operand.fields, operand);
    }
  }

  #fields(start: Value, fields: readonly string[], operand: Operand): Value {
    return fields.reduce((value, field, at) => {
      const holder = at > 0 && typeof value === "function" ? (value as () => Value)() : value;
      return this.#field(holder, field, operand);
    }, start);
  }

  #field(holder: Value, field: string, operand: Operand): Value {
    if (isMap(holder)) {
      if (Object.hasOwn(holder, field)) return holder[field];
      const missing = this.#options.missing?.(field, holder);
      if (missing !== undefined) return missing.value;
      throw this.#fieldError(operand, this.#lacks(holder, field));
    }
    if (holder === null || holder === undefined) {
      throw this.#fieldError(operand, `nil pointer evaluating interface {}.${field}`);
    }
    throw this.#fieldError(operand, `can't evaluate field ${field} in type ${typeName(holder)}`);
  }

  #lacks(holder: Value, field: string): string {
    if (holder === this.#root && this.#options.typeName !== undefined) {
      return `can't evaluate field ${field} in type ${this.#options.typeName}`;
    }
    return `map has no entry for key ${JSON.stringify(field)}`;
  }

  #fieldError(operand: Operand, message: string): BerthError {
    return executionError(this.#source, operand.at, showOperand(operand), message);
  }
}
