// What the server says is only that there is news: the page asks for itself again, and its live parts are put in place of the old.
const stream = document.body.dataset.stream;
const said = document.getElementById("live");
let asking = false, again = false;

function tell(text) {
  if (said && said.textContent !== text) said.textContent = text;
}

function replace(fresh) {
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.isEqualNode(part)) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const scrolled = part.querySelector(".wide")?.scrollLeft ?? 0;
    const placed = document.importNode(next, true);
    part.replaceWith(placed);
    if (scrolled) placed.querySelector(".wide").scrollLeft = scrolled;
    if (focused) [...placed.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
  }
}

async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected) { location.reload(); return; }
    if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    tell("Not live: the door does not answer.");
  } finally {
    asking = false;
    if (again) { again = false; refresh(); }
  }
}

function listen() {
  const source = new EventSource(stream);
  source.addEventListener("here", () => { tell("Live."); refresh(); });
  source.addEventListener("ended", () => { source.close(); location.reload(); });
  source.onmessage = refresh;
  source.onerror = () => {
    tell("Not live: trying again.");
    // a browser comes again by itself when a connection ends, and never after an answer that is no stream
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5_000);
  };
}

if (stream) {
  listen();
  setInterval(() => { if (document.visibilityState === "visible") refresh(); }, 10_000);
}
