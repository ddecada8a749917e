// The form that sends a request to the door this page came from, shows the answer, and the curl line that asks the same.
import { el, json, listing } from "./elements.js";

const KEY_OF_CURL = "$MILLRACE_API_KEY";
const PREFILLED = new Set(["path", "header"]); // a filter that nobody asked for would only hide things
const LEFT_EMPTY = new Set(["If-None-Match", "Prefer"]);

let forms = 0;

export function formOf(root, operation, key) {
  const id = `send-${++forms}`;
  const fields = operation.parameters.map((parameter) => field(id, parameter));
  const body = operation.requestBody && bodyOf(id, operation.requestBody.content["application/json"]);
  const curl = listing("", "the request as curl");
  const result = el("div", { class: "result", role: "status" });
  const button = el("button", { type: "submit", class: "send" }, "Send");
  const asked = () => requestOf(operation, fields, body?.area.value);
  const form = el("form", { "aria-label": `Send ${operation.method} ${operation.path}`, onsubmit: submit },
    el("h3", {}, "Send it"), fields.map(({ node }) => node), body?.node, button,
    el("p", { class: "quiet" }, "The same by curl:"), curl.block, result);
  const renew = () => curl.show(curlOf(asked()));
  form.addEventListener("input", renew);
  form.addEventListener("change", renew);
  renew();
  return el("section", { class: "sending" }, form);

  async function submit(event) {
    event.preventDefault();
    const request = asked();
    if (key().startsWith("mr_live_") && request.method !== "GET" && !confirm("This moves real money. Send it?")) return;
    button.disabled = true;
    result.replaceChildren(el("p", {}, "Waiting for the answer …"));
    try {
      result.replaceChildren(...await answerTo(request, key()));
    } catch (failed) {
      result.replaceChildren(el("p", { class: "failed" }, `No answer came (${failed.message}). Sending it again, with the same key, is safe.`));
    }
    button.disabled = false;
  }
}

function field(id, { name, in: place, required, schema, example, description }) {
  const own = `${id}-${name}`;
  const value = PREFILLED.has(place) && !LEFT_EMPTY.has(name) ? json(example) : "";
  const input = schema.enum
    ? el("select", { id: own }, el("option", { value: "" }, "any"), schema.enum.map((each) => el("option", {}, each)))
    : el("input", { id: own, type: "text", placeholder: json(example).replace(/\s+/g, " "), title: description, autocomplete: "off", spellcheck: "false", required, "data-parameter": name });
  if (!schema.enum) input.value = name === "Idempotency-Key" ? newKey() : value;
  const another = name === "Idempotency-Key" && el("button", { type: "button", class: "another", onclick: () => {
    input.value = newKey();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  } }, "New key");
  return { name, place, schema, read: () => input.value.trim(), node: el("div", { class: "field" }, el("label", { for: own }, name, required && " (required)"), el("div", { class: "with" }, input, another)) };
}

function newKey() {
  return crypto.randomUUID?.() ?? String(Date.now()); // the former only where the page came over HTTPS, or from this machine
}

function bodyOf(id, media) {
  const area = el("textarea", { id: `${id}-body`, rows: "8", spellcheck: "false", autocomplete: "off" });
  const examples = examplesOf(media);
  area.value = json(examples[0].value);
  const choice = examples.length > 1 && el("div", { class: "field" }, el("label", { for: `${id}-example` }, "Start from"),
    el("select", { id: `${id}-example`, onchange: ({ target }) => { area.value = json(examples[target.selectedIndex].value); } }, examples.map(({ summary }) => el("option", {}, summary))));
  return { area, node: el("div", {}, choice, el("div", { class: "field" }, el("label", { for: area.id }, "Body"), area)) };
}

/** Each with its summary and its value. */
export function examplesOf(media) {
  if (media.examples) return Object.values(media.examples);
  return media.example === undefined ? [] : [{ summary: "Example", value: media.example }];
}

/** What the fields say, as a request: nothing is checked here, so that refusals can be seen too. */
function requestOf({ method, path, security }, fields, body) {
  const query = new URLSearchParams();
  const headers = {};
  let address = path;
  for (const { name, place, schema, read } of fields) {
    const value = read();
    if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (!value) continue;
    else if (place === "header") headers[name] = value;
    else if (schema.type === "object") for (const [member, wanted] of members(value)) query.append(`${name}[${member}]`, wanted);
    else query.append(name, value);
  }
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const url = query.size ? `${address}?${query}` : address;
  return { method, url, headers, body, signed: Boolean(security) };
}

function members(text) {
  try {
    return Object.entries(JSON.parse(text));
  } catch {
    return [["", text]];
  }
}

async function answerTo({ method, url, headers, body, signed }, key) {
  const sent = signed && key ? { ...headers, Authorization: `Bearer ${key}` } : headers;
  const began = performance.now();
  const response = await fetch(url, { method, headers: sent, body, cache: "no-store" });
  const text = await response.text();
  const took = Math.round(performance.now() - began);
  const shown = pretty(text);
  if (shown.value?.id && response.ok) rememberId(shown.value);
  return [
    el("p", {}, el("span", { class: `status s${String(response.status)[0]}` }, `${response.status}`), ` ${response.statusText} after ${took} ms`),
    el("details", {}, el("summary", {}, "Headers"), listing([...response.headers].map((pair) => pair.join(": ")).join("\n"), "the answer's headers").block),
    text ? listing(shown.text, "the answer's body").block : el("p", { class: "quiet" }, "No body."),
  ];
}

function pretty(text) {
  try {
    const value = JSON.parse(text);
    return { value, text: JSON.stringify(value, null, 2) };
  } catch {
    return { value: null, text };
  }
}

/** What was just made is what the other forms are about. */
function rememberId({ id, object }) {
  if (object !== "payment" && object !== "refund") return;
  for (const input of document.querySelectorAll(`[data-parameter="${object}_id"]`)) {
    input.value = id;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function curlOf({ method, url, headers, body, signed }) {
  const lines = [`curl -i ${method === "POST" ? "-X POST " : ""}${quoted(location.origin + url)}`];
  if (signed) lines.push(`-H "Authorization: Bearer ${KEY_OF_CURL}"`);
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) lines.push(`--data-binary ${quoted(compact(body))}`);
  return lines.join(" \\\n  ");
}

function compact(body) {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
