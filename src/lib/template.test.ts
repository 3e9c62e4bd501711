import { expect, test } from "bun:test";
import { compileTemplate } from "./template.ts";

const DATA = {
  ID: "abc",
  Names: "web",
  Count: 3,
  On: true,
  Null: null,
  List: ["a", "b", "c"],
  Labels: { b: "2", a: "1" },
  Deep: { State: { Status: "running" }, Ports: { "80/tcp": [{ HostPort: "8080" }] } },
  Label: (key: string) => `label-${key}`,
  Running: () => "5 minutes ago",
};

test.each([
  ["plain text", "plain text"],
  ["{{.ID}}", "abc"],
  ["{{ .ID }}/{{.Names}}", "abc/web"],
  ["a {{- .ID -}} b", "aabcb"],
  ["{{/* comment */}}x", "x"],
  ["{{.List}} {{.Labels}} {{.Null}} {{.On}} {{.Count}}", "[a b c] map[a:1 b:2] <nil> true 3"],
  ["{{json .List}} {{json .Labels}} {{json .ID}}", '["a","b","c"] {"b":"2","a":"1"} "abc"'],
  ["{{range .List}}<{{.}}>{{end}}", "<a><b><c>"],
  ["{{range $i, $v := .List}}{{$i}}={{$v}} {{end}}", "0=a 1=b 2=c "],
  ["{{range $k, $v := .Labels}}{{$k}}:{{$v}};{{end}}", "a:1;b:2;"],
  ["{{range $v := .List}}{{$v}}{{$.ID}} {{end}}", "aabc babc cabc "],
  ["{{range .Null}}x{{else}}none{{end}}", "none"],
  ['{{range .List}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', "a"],
  ['{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "ac"],
  ["{{if .On}}yes{{else}}no{{end}}", "yes"],
  ["{{if .Null}}yes{{else if .Count}}count{{else}}no{{end}}", "count"],
  ["{{with .Deep.State}}{{.Status}}{{end}}", "running"],
  ['{{index .List 1}} {{index .Labels "a"}} {{index .Labels "none"}}|', "b 1 |"],
  ['{{(index (index .Deep.Ports "80/tcp") 0).HostPort}}', "8080"],
  ['{{(index .Deep.Ports "80/tcp" 0).HostPort}}', "8080"],
  ["{{len .List}} {{len .ID}} {{len .Labels}}", "3 3 2"],
  ['{{join .List ", "}}', "a, b, c"],
  ['{{upper .ID}} {{lower "ABC"}} {{title "two words"}}', "ABC abc Two Words"],
  ['{{split "a:b" ":"}} {{index (split "a:b" ":") 1}}', "[a b] b"],
  ["{{println .ID}}", "abc\n"],
  ['{{printf "%s-%d %q %5s|%-5s| %.1f" .ID .Count .ID "x" "y" 2.5}}', 'abc-3 "abc"     x|y    | 2.5'],
  ['{{.ID | upper | printf "%s!"}}', "ABC!"],
  ['{{$x := .ID}}{{$x}}{{$x = "new"}}{{$x}}', "abcnew"],
  [
    '{{eq .ID "x" "abc"}} {{ne .Count 3}} {{lt 1 2}} {{ge 2 2}} {{gt .Count 5}}',
    "true false true true false",
  ],
  ['{{and .On .ID}} {{or .Null "else"}} {{not .On}}', "abc else false"],
  ['{{.Label "x"}} {{.Running}} {{upper (.Label "y")}}', "label-x 5 minutes ago LABEL-Y"],
  ["{{pad .ID 1 2}}|{{truncate .ID 2}}|{{slice .ID 1}}|{{slice .ID 0 1}}", " abc  |ab|bc|a"],
  ["{{`raw`}}{{\"q\\t\\u00e9\"}}{{'a'}}", "rawq\té97"],
  ['{{html "<a>"}}', "&#60;a&#62;"],
])("%s", (source, expected) => {
  expect(compileTemplate(source).execute(DATA)).toBe(expected);
});

test.each([
  ["{{.ID", "template: :1: unclosed action"],
  ["{{foo}}", 'template: :1: function "foo" not defined'],
  ["{{if .ID}}", "template: :1: unexpected EOF"],
  ["{{end}}", "template: :1: unexpected {{end}}"],
  ["{{$x}}", 'template: :1: undefined variable "$x"'],
  ["{{}}", "template: :1: missing value for command"],
  ["{{.ID | }}", "template: :1: missing value for command"],
])("%s is no template", (source, message) => {
  expect(() => compileTemplate(source)).toThrow(message);
});

test.each([
  ["{{.Nope}}", 'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
  ["{{.Deep.Nope}}", 'template: :1:7: executing "" at <.Deep.Nope>: map has no entry for key "Nope"'],
  [
    "x\n{{.ID.Nope}}",
    'template: :2:5: executing "" at <.ID.Nope>: can\'t evaluate field Nope in type string',
  ],
  ["{{.Null.X}}", 'template: :1:7: executing "" at <.Null.X>: nil pointer evaluating interface {}.X'],
  [
    "{{index .List 9}}",
    'template: :1:2: executing "" at <index .List 9>: error calling index: index out of range: 9',
  ],
  ["{{range .ID}}{{end}}", 'template: :1:8: executing "" at <.ID>: range can\'t iterate over abc'],
  ["{{.ID 1}}", 'template: :1:2: executing "" at <.ID>: can\'t give argument to non-function .ID'],
  ["{{.Label}}", 'template: :1:2: executing "" at <.Label>: wrong number of args for Label: want 1 got 0'],
])("%s does not fit the data", (source, message) => {
  expect(() => compileTemplate(source).execute(DATA)).toThrow(message);
});

test("what a map lacks may be decided by the caller", () => {
  const missing = (field: string) => (field === "Health" ? { value: null } : undefined);
  const template = compileTemplate("{{if .Health}}x{{end}}{{.Health}}");
  expect(template.execute({}, { missing })).toBe("<nil>");
});
