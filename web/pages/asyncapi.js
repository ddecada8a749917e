// The page of Kafka: every topic of asyncapi.json with its messages, their headers and values.
import { el, group, json, listing, openNamed, paragraphs, prose, read, resolve, searching } from "./elements.js";
import { schemaOf } from "./schema.js";

const main = document.getElementById("main");
const document_ = await read("/asyncapi.json", main);
const SAID = { receive: "You produce", send: "You consume" };

document.getElementById("version").textContent = document_.info.version;
document.getElementById("about").append(...paragraphs(document_.info.description));

const entries = [];
for (const [name, channel] of Object.entries(document_.channels)) {
  const shown = Object.entries(channel.messages).map(([type, message]) => {
    const node = article(name, type, resolve(document_, message));
    return { node, link: linkTo(name, type), text: `${name} ${type} ${node.textContent}`.toLowerCase() };
  });
  entries.push(...shown);
  group(shown, document.getElementById("channels"), [el("h2", { id: name }, el("code", {}, channel.address)), about(name, channel)], el("a", { href: `#${name}` }, channel.address));
}
searching(document.getElementById("search"), entries, document.getElementById("found"), "messages");
openNamed();

function idOf(channel, type) {
  return `${channel}/${type}`;
}

function linkTo(channel, type) {
  return el("li", { "data-entry": true }, el("a", { href: `#${idOf(channel, type)}` }, type));
}

function about(name, { description, bindings }) {
  const operation = Object.values(document_.operations).find((each) => each.channel.$ref.endsWith(`/${name}`));
  return el("div", {}, el("p", {}, prose(description)),
    operation && el("p", {}, el("strong", {}, `${SAID[operation.action]}: `), prose(operation.summary)),
    bindings?.kafka && el("p", { class: "quiet" }, `${bindings.kafka.partitions} partitions by default; the key is the payment's id.`));
}

function article(channel, type, message) {
  const node = el("details", { class: "operation", id: idOf(channel, type), "data-entry": true },
    el("summary", {}, el("code", { class: "path" }, type), " ", el("span", { class: "summary" }, prose(message.summary ?? ""))));
  const example = sampleOf(message.payload);
  node.append(el("div", { class: "inside" },
    el("h3", {}, "Headers"), schemaOf(document_, message.headers),
    el("h3", {}, "Value"), schemaOf(document_, message.payload),
    example && el("details", { class: "example" }, el("summary", {}, "Such as"), listing(json(example), `a value of ${type}`).block)));
  return node;
}

/** A value of what the schema's members give as examples; only where the required ones have any. */
function sampleOf(payload) {
  const { properties = {}, required = [] } = resolve(document_, payload);
  const given = Object.entries(properties).filter(([, member]) => member.examples?.length).map(([name, member]) => [name, member.examples[0]]);
  const sample = { merchant: "mer_1", ...Object.fromEntries(given) };
  return given.length > 1 && required.every((name) => name in sample) ? sample : null;
}
