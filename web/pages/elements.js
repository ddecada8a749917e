// Elements, prose and the document's own references: what both pages are made of. Text becomes text, never markup.

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A sentence with `code` and **words** in it. */
export function prose(text) {
  const parts = String(text).split(/(`[^`]+`|\*\*[^*]+\*\*)/);
  return parts.filter(Boolean).map((part) => {
    if (part.startsWith("`")) return el("code", {}, part.slice(1, -1));
    if (part.startsWith("**")) return el("strong", {}, ...prose(part.slice(2, -2)));
    return part;
  });
}

/** Paragraphs and one level of bullets. */
export function paragraphs(text) {
  const blocks = [];
  for (const line of text.split("\n")) {
    const last = blocks.at(-1);
    if (line.startsWith("* ")) {
      if (last?.kind === "list") last.items.push(line.slice(2));
      else blocks.push({ kind: "list", items: [line.slice(2)] });
    } else if (!line.trim()) blocks.push({ kind: "gap" });
    else if (last?.kind === "list") last.items.push(`${last.items.pop()} ${line.trim()}`);
    else if (last?.kind === "text") last.text += ` ${line.trim()}`;
    else blocks.push({ kind: "text", text: line.trim() });
  }
  return blocks.filter((block) => block.kind !== "gap").map((block) =>
    block.kind === "list"
      ? el("ul", {}, block.items.map((item) => el("li", {}, prose(item))))
      : el("p", {}, prose(block.text)));
}

/** What `part` refers to, if it does. */
export function resolve(root, part) {
  let found = part;
  while (found?.$ref) found = found.$ref.slice(2).split("/").reduce((at, name) => at[unescaped(name)], root);
  return found;
}

function unescaped(name) {
  return decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~");
}

export function json(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** A block of code with a button that copies it. */
export function listing(text, label) {
  const code = el("code", {}, text);
  const button = el("button", { type: "button", class: "copy", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const block = el("div", { class: "listing" }, el("pre", { tabindex: "0", role: "group", "aria-label": label }, code), button);
  return { block, show(shown) { code.textContent = shown; } };
}

/** Entries ({node, link, text}) under a heading in the page, and their links under `title` in the contents. */
export function group(entries, into, heading, title) {
  into.append(el("section", { "data-group": true }, heading, entries.map(({ node }) => node)));
  document.getElementById("contents").append(el("div", { "data-group": true }, el("p", { class: "group" }, title), el("ul", {}, entries.map(({ link }) => link))));
}

/** Shows those of `entries` that hold every word, and says how many. */
export function searching(input, entries, said, what) {
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { node, link, text } of entries) {
      const fits = words.every((word) => text.includes(word));
      node.hidden = link.hidden = !fits;
      found += fits;
    }
    for (const group of document.querySelectorAll("[data-group]")) {
      group.hidden = !group.querySelector("[data-entry]:not([hidden])");
    }
    document.getElementById("about").hidden = words.length > 0; // else what was found is out of sight
    said.textContent = words.length ? `${found} of ${entries.length} ${what}` : "";
  });
}

/** Opens what the address names, now and whenever it changes. */
export function openNamed() {
  const open = () => {
    const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!named) return;
    for (let at = named; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    named.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();
}

/** The document at `url`, or a sentence in `main` that says why not. */
export async function read(url, main) {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status}`);
    return await response.json();
  } catch (failed) {
    main.append(el("p", { role: "alert" }, `${url} could not be read (${failed.message}).`));
    throw failed;
  }
}
