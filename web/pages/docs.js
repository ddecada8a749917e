// The page of HTTP: every route of openapi.json with its parameters, schemas, examples and a form that sends it.
import { el, group, json, listing, openNamed, paragraphs, prose, read, resolve, searching } from "./elements.js";
import { schemaOf, typeOf } from "./schema.js";
import { examplesOf, formOf } from "./sending.js";

const main = document.getElementById("main");
const key = document.getElementById("key");
const document_ = await read("/openapi.json", main);

document.getElementById("version").textContent = document_.info.version;
document.getElementById("about").append(...paragraphs(document_.info.description));
key.addEventListener("input", () => {
  document.getElementById("key-said").textContent = key.value.trim().startsWith("mr_live_")
    ? "A live key: what you send from here moves real money."
    : "It stays in this page until you leave it.";
});

const operations = Object.entries(document_.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, ...operation })));
const entries = [];
for (const { name, description } of document_.tags) {
  const own = operations.filter((operation) => operation.tags.includes(name));
  if (!own.length) continue;
  const shown = own.map((operation) => ({ node: article(operation), link: linkTo(operation), text: textOf(operation) }));
  entries.push(...shown);
  group(shown, document.getElementById("operations"), [el("h2", {}, titled(name)), el("p", {}, prose(description))], titled(name));
}
searching(document.getElementById("search"), entries, document.getElementById("found"), "routes");
openNamed();

function titled(name) {
  return name[0].toUpperCase() + name.slice(1);
}

// What an operation is about and what it is given: what it may answer names nearly everything, and would find nearly every route.
function textOf({ method, path, operationId, summary, description, parameters, requestBody, responses }) {
  const named = parameters.map(({ name, description: said }) => `${name} ${said ?? ""}`);
  const members = JSON.stringify(requestBody?.content["application/json"]?.examples ?? requestBody?.content["application/json"]?.example ?? "");
  return [method, path, operationId, summary, description, ...named, members, ...Object.keys(responses)].join(" ").toLowerCase();
}

function method(name) {
  return el("span", { class: `method ${name.toLowerCase()}` }, name);
}

function linkTo({ operationId, path, method: name, summary }) {
  return el("li", { "data-entry": true }, el("a", { href: `#${operationId}`, title: summary }, method(name), " ", path.replace("/v1", "")));
}

function article(operation) {
  const { operationId, method: name, path, summary } = operation;
  const node = el("details", { class: "operation", id: operationId, "data-entry": true },
    el("summary", {}, method(name), " ", el("code", { class: "path" }, path), " ", el("span", { class: "summary" }, summary)));
  node.append(el("div", { class: "inside" },
    operation.description && el("p", {}, prose(operation.description)),
    parameters(operation), body(operation), formOf(document_, operation, () => key.value.trim()), answers(operation)));
  return node;
}

function parameters({ parameters: all }) {
  if (!all.length) return null;
  return el("section", {}, el("h3", {}, "Parameters"), el("ul", { class: "schema" }, all.map((each) =>
    el("li", {},
      el("code", { class: "member" }, each.name), " ",
      el("span", { class: "type" }, `${typeOf(document_, each.schema)}, in the ${each.in}`),
      each.required && el("span", { class: "required" }, "required"),
      el("span", { class: "said" }, prose([each.description, each.schema.description].filter(Boolean).join(" "))),
      el("span", { class: "limits" }, each.schema.enum && each.schema.enum.map((value) => [el("code", {}, value), " "]), "such as ", el("code", {}, json(each.example)))))));
}

function body({ requestBody }) {
  if (!requestBody) return null;
  const media = requestBody.content["application/json"];
  return el("section", {}, el("h3", {}, "Body"),
    requestBody.description && el("p", {}, prose(requestBody.description)),
    schemaOf(document_, media.schema),
    examples(media));
}

function answers({ responses }) {
  return el("section", {}, el("h3", {}, "Answers"), Object.entries(responses).map(([status, response]) => answer(status, resolve(document_, response))));
}

function answer(status, { description, headers, content }) {
  const parts = Object.entries(content ?? {}).flatMap(([type, media]) => [
    el("p", { class: "quiet" }, type),
    examples(media),
    media.schema.type !== "string" && el("details", { class: "example" }, el("summary", {}, "Schema"), schemaOf(document_, media.schema)),
  ]);
  const told = Object.entries(headers ?? {}).map(([name, header]) => el("li", {}, el("code", { class: "member" }, name), " ", el("span", { class: "said" }, prose(resolve(document_, header).description ?? ""))));
  return el("details", { class: "answer" },
    el("summary", {}, el("span", { class: `status s${status[0]}` }, status), " ", el("span", {}, prose(description))),
    el("div", { class: "inside" }, parts, told.length && el("details", { class: "example" }, el("summary", {}, "Headers"), el("ul", { class: "schema" }, told))));
}

function examples(media) {
  return examplesOf(media).map(({ summary, value }) => el("details", { class: "example" }, el("summary", {}, summary), listing(json(value), summary).block));
}
