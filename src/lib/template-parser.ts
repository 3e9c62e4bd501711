/** A Go template as a tree. Everything but `define`, `template` and `block`, which nobody types on a command line. */
import { templateError } from "./template-error.ts";
import { lexTemplate, type Token, type TokenKind } from "./template-lexer.ts";
import { constantOf } from "./template-constant.ts";

export type Node =
  | { readonly node: "text"; readonly text: string }
  | { readonly node: "action"; readonly pipe: Pipe }
  | {
      readonly node: "if" | "with" | "range";
      readonly pipe: Pipe;
      readonly body: List;
      readonly otherwise: List;
    }
  | { readonly node: "break" | "continue" };
export type List = readonly Node[];

export interface Pipe {
  readonly at: number;
  readonly declare: readonly string[];
  /** `=` and not `:=`: the variables are there already. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
}

export interface Command {
  readonly at: number;
  readonly operands: readonly Operand[];
}

export type Operand =
  | { readonly operand: "dot"; readonly at: number }
  | { readonly operand: "nil"; readonly at: number }
  | {
      readonly operand: "constant";
      readonly at: number;
      readonly value: string | number | boolean;
      readonly shown: string;
    }
  | { readonly operand: "name"; readonly at: number; readonly name: string }
  | { readonly operand: "field"; readonly at: number; readonly fields: readonly string[] }
  | {
      readonly operand: "variable";
      readonly at: number;
      readonly name: string;
      readonly fields: readonly string[];
    }
  | {
      readonly operand: "pipe";
      readonly at: number;
      readonly pipe: Pipe;
      readonly fields: readonly string[];
    };

/** `functions` are the names that may be called. */
export function parseTemplate(source: string, functions: ReadonlySet<string>): List {
  return new Parser(source, functions).parse();
}

class Parser {
  readonly #source: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: readonly Token[];
  #next = 0;
  readonly #variables: string[] = ["$"];

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source;
    this.#functions = functions;
    this.#tokens = lexTemplate(source);
  }

  parse(): List {
    const { list, end } = this.#list();
    if (end !== "EOF") throw this.#error(`unexpected {{${end}}}`);
    return list;
  }

  /** Nodes up to `end`, `else` or the end of the text, whose word is left to read. */
  #list(): { list: Node[]; end: string } {
    const list: Node[] = [];
    for (;;) {
      const token = this.#take();
      if (token.kind === "end") return { list, end: "EOF" };
      if (token.kind === "text") {
        list.push({ node: "text", text: token.text });
        continue;
      }
      this.#skipSpace();
      const word = this.#peek();
      if (word.kind === "name" && (word.text === "end" || word.text === "else")) {
        this.#take();
        return { list, end: word.text };
      }
      list.push(this.#action());
    }
  }

  #action(): Node {
    const { kind, text } = this.#peek();
    if (kind === "name" && (text === "if" || text === "with" || text === "range")) return this.#control(text);
    if (kind === "name" && (text === "break" || text === "continue")) {
      this.#take();
      this.#expectRight(text);
      return { node: text };
    }
    return { node: "action", pipe: this.#pipe("command", "right") };
  }

  #control(node: "if" | "with" | "range"): Node {
    this.#take();
    const before = this.#variables.length;
    const pipe = this.#pipe(node, "right");
    const { list: body, end } = this.#list();
    const otherwise = end === "else" ? this.#otherwise(node) : this.#ended(end);
    this.#variables.length = before;
    return { node, pipe, body, otherwise };
  }

  /** After `else`: `else if …`, `else with …`, or the other half. */
  #otherwise(node: string): List {
    this.#skipSpace();
    const { kind, text } = this.#peek();
    if (kind === "name" && text === node && (text === "if" || text === "with")) return [this.#control(text)];
    this.#expectRight("else");
    const { list, end } = this.#list();
    this.#ended(end);
    return list;
  }

  #ended(end: string): List {
    if (end !== "end") throw this.#error(end === "EOF" ? "unexpected EOF" : `expected end; found {{${end}}}`);
    this.#expectRight("end");
    return [];
  }

  #pipe(context: string, end: TokenKind): Pipe {
    this.#skipSpace();
    const { at } = this.#peek();
    const { names: declare, assigns } = this.#declaration(context);
    const commands: Command[] = [];
    for (;;) {
      this.#skipSpace();
      const token = this.#peek();
      if (token.kind === end) {
        this.#take();
        if (commands.length === 0) throw this.#error(`missing value for ${context}`);
        if (!assigns) this.#variables.push(...declare);
        return { at, declare, assigns, commands };
      }
      commands.push(this.#command(context));
    }
  }

  /** `$a :=`, `$a =`, or `$a, $b :=` in a range. */
  #declaration(context: string): { names: string[]; assigns: boolean } {
    const start = this.#next;
    const names: string[] = [];
    for (;;) {
      const token = this.#take();
      if (token.kind !== "variable") break;
      names.push(token.text);
      this.#skipSpace();
      const sign = this.#take();
      if (sign.kind === ":=" || sign.kind === "=") return { names, assigns: sign.kind === "=" };
      if (sign.kind !== "," || context !== "range" || names.length > 1) break;
      this.#skipSpace();
    }
    this.#next = start;
    return { names: [], assigns: false };
  }

  #command(context: string): Command {
    const { at } = this.#peek();
    const operands: Operand[] = [];
    for (;;) {
      this.#skipSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#peek();
      if (token.kind === "space") continue;
      if (token.kind === "right" || token.kind === ")") break;
      if (token.kind === "|") {
        this.#take();
        this.#skipSpace();
        if (["right", ")", "|"].includes(this.#peek().kind))
          throw this.#error(`missing value for ${context}`);
        break;
      }
      throw this.#unexpected(token, "operand");
    }
    if (operands.length === 0) throw this.#error("empty command");
    return { at, operands };
  }

  /** A term and the fields behind it. */
  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().kind !== "field") return term;
    const { at } = this.#peek();
    const fields: string[] = [];
    while (this.#peek().kind === "field") fields.push(this.#take().text.slice(1));
    if (term.operand === "field") return { ...term, at, fields: [...term.fields, ...fields] };
    if (term.operand === "variable" || term.operand === "pipe")
      return { ...term, at, fields: [...term.fields, ...fields] };
    if (term.operand === "dot") throw this.#error(`unexpected . after term "."`);
    throw this.#error(`unexpected . after term ${JSON.stringify(showOperand(term))}`);
  }

  #term(): Operand | undefined {
    const token = this.#peek();
    const { at, text } = token;
    if (token.kind === "space" || token.kind === "right" || token.kind === ")" || token.kind === "|")
      return undefined;
    this.#take();
    switch (token.kind) {
      case "dot":
        return { operand: "dot", at };
      case "field":
        return { operand: "field", at, fields: [text.slice(1)] };
      case "variable":
        if (!this.#variables.includes(text)) throw this.#error(`undefined variable ${JSON.stringify(text)}`);
        return { operand: "variable", at, name: text, fields: [] };
      case "name":
        return this.#named(token);
      case "string":
      case "number":
      case "char":
        return { operand: "constant", at, value: constantOf(token), shown: text };
      case "(":
        return { operand: "pipe", at, pipe: this.#pipe("parenthesized pipeline", ")"), fields: [] };
      default:
        throw this.#unexpected(token, "operand");
    }
  }

  #named({ text, at }: Token): Operand {
    if (text === "true" || text === "false")
      return { operand: "constant", at, value: text === "true", shown: text };
    if (text === "nil") return { operand: "nil", at };
    if (!this.#functions.has(text)) throw this.#error(`function ${JSON.stringify(text)} not defined`);
    return { operand: "name", at, name: text };
  }

  #expectRight(context: string): void {
    this.#skipSpace();
    const token = this.#take();
    if (token.kind !== "right") throw this.#unexpected(token, context);
  }

  #skipSpace(): void {
    while (this.#peek().kind === "space") this.#next++;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "EOF", at: this.#source.length };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #unexpected(token: Token, context: string): Error {
    const shown = token.kind === "end" ? "EOF" : token.kind === "right" ? `"}}"` : `<${token.text}>`;
    return this.#error(`unexpected ${shown} in ${context}`);
  }

  #error(message: string): Error {
    return templateError(this.#source, this.#peek().at, message);
  }
}

/** As it was typed, more or less: for messages. */
export function showOperand(operand: Operand): string {
  switch (operand.operand) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "constant":
      return operand.shown;
    case "name":
      return operand.name;
    case "field":
      return operand.fields.map((field) => `.${field}`).join("");
    case "variable":
      return [operand.name, ...operand.fields].join(".");
    case "pipe":
      return `(${showPipe(operand.pipe)})${operand.fields.map((field) => `.${field}`).join("")}`;
  }
}

export function showCommand({ operands }: Command): string {
  return operands.map(showOperand).join(" ");
}

function showPipe(pipe: Pipe): string {
  return pipe.commands.map(showCommand).join(" | ");
}
