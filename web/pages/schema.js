// A JSON schema as a list of members: their types, limits and meanings. Nothing of HTTP or Kafka.
import { el, prose, resolve } from "./elements.js";

const DEEPEST = 6;
const ONLY_CONTROLS = "^[^\\u0000-"; // how free text's patterns begin: a person need not read on

const LIMITS = [
  ["minimum", "at least"], ["maximum", "at most"], ["minLength", "characters, at least"], ["maxLength", "characters, at most"],
  ["maxProperties", "members, at most"], ["maxItems", "items, at most"], ["format", "format"], ["pattern", "pattern"],
];

export function schemaOf(root, schema, depth = 0) {
  const { shown } = withoutNull(root, schema);
  if (shown.anyOf || shown.oneOf) {
    return el("div", {}, (shown.anyOf ?? shown.oneOf).map((each) => either(root, each, depth)));
  }
  if (shown.type === "array") return schemaOf(root, shown.items ?? {}, depth);
  const required = new Set(shown.required ?? []);
  const members = Object.entries(shown.properties ?? {});
  if (!members.length) return el("p", { class: "quiet" }, describe(root, schema).join(" · "));
  return el("ul", { class: "schema" }, members.map(([name, member]) => row(root, name, member, required.has(name), depth)));
}

function either(root, schema, depth) {
  const shown = resolve(root, schema);
  return el("details", { open: depth === 0 }, el("summary", {}, `One of: ${shown.title ?? typeOf(root, shown)}`), schemaOf(root, shown, depth + 1));
}

function row(root, name, member, required, depth) {
  const { shown } = withoutNull(root, member);
  const said = member.description ?? shown.description;
  return el("li", {},
    el("code", { class: "member" }, name), " ",
    el("span", { class: "type" }, typeOf(root, member)),
    required && el("span", { class: "required" }, "required"),
    said && el("span", { class: "said" }, prose(said)),
    el("span", { class: "limits" }, limits(root, member)),
    nested(root, member, depth));
}

function nested(root, member, depth) {
  let { shown } = withoutNull(root, member);
  if (shown.type === "array") shown = resolve(root, shown.items ?? {});
  if (!shown.properties || depth >= DEEPEST) return null;
  return el("details", {}, el("summary", {}, "Members"), schemaOf(root, shown, depth + 1));
}

/** `anyOf` with null is how "may be null" is written. */
function withoutNull(root, schema) {
  const shown = resolve(root, schema) ?? {};
  const others = (shown.anyOf ?? []).filter((each) => each.type !== "null");
  if (shown.anyOf && others.length === 1) return { shown: resolve(root, others[0]), nullable: others.length < shown.anyOf.length };
  return { shown, nullable: false };
}

export function typeOf(root, schema) {
  const { shown, nullable } = withoutNull(root, schema);
  let type = shown.type ?? (shown.const !== undefined ? "constant" : shown.enum ? "string" : "anything");
  if (type === "array") type = `list of ${typeOf(root, shown.items ?? {})}`;
  else if (type === "object" && shown.title && shown.properties) type = shown.title;
  return nullable ? `${type} or null` : type;
}

function limit(key, said, value) {
  if (key === "pattern" && value.startsWith(ONLY_CONTROLS)) return el("span", {}, "no control characters");
  const shown = value === 2 ** 63 ? "9223372036854775807" : String(value); // what a number here cannot hold
  return el("span", {}, `${said} `, el("code", {}, shown));
}

function describe(root, schema) {
  return [typeOf(root, schema), ...limits(root, schema).map((each) => each.textContent)];
}

function limits(root, member) {
  const { shown } = withoutNull(root, member);
  const of = { ...shown, ...member };
  const found = LIMITS.filter(([key]) => of[key] !== undefined).map(([key, said]) => limit(key, said, of[key]));
  const values = of.enum ?? (of.const !== undefined ? [of.const] : []);
  if (values.length) found.push(el("span", {}, values.map((value) => [el("code", {}, String(value)), " "])));
  if (of.default !== undefined && of.default !== null) found.push(el("span", {}, "default ", el("code", {}, String(of.default))));
  const example = of.examples?.[0];
  if (example !== undefined) found.push(el("span", {}, "such as ", el("code", {}, typeof example === "string" ? example : JSON.stringify(example))));
  return found;
}
