"""The two pages that a customer may see: the bank's question (3-D Secure) and a receipt. One HTML file, nothing loaded."""

from __future__ import annotations

from html import escape

from aiohttp import web

from .currencies import shown
from .methods import METHODS
from .records import Charge, Intent

HEADERS = {  # no form-action: the form's answer may lead to any return URL
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
# Text and buttons have a contrast of 4.5 or more on what is behind them, light and dark (WCAG 2.2, 1.4.3 and 1.4.11).
STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --quiet: #667085; --paper: #fff; --ground: #eef1f6; --line: #e2e6ee;
  --good: #17694b; --bad: #a3302b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf2; --quiet: #9aa3b5; --paper: #1b2130; --ground: #11151f;
  --line: #2c3447; --good: #1f7a59; --bad: #e98a84; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; background: var(--paper); border: 1px solid var(--line); border-radius: 16px;
  padding: clamp(1.25rem, 6vw, 2rem); box-shadow: 0 12px 40px rgb(16 24 40 / .12); }
.bank { display: flex; justify-content: space-between; color: var(--quiet); font-size: .8rem; letter-spacing: .06em;
  text-transform: uppercase; }
h1 { font-size: 1.35rem; margin: 1.25rem 0 .25rem; }
p { margin: 0 0 1.25rem; color: var(--quiet); }
.amount { font-size: clamp(1.6rem, 9vw, 2.25rem); font-weight: 650; font-variant-numeric: tabular-nums;
  color: var(--ink); margin: .5rem 0 1rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .5rem 1.5rem; margin: 0 0 1.5rem; padding: 1rem 0;
  border-block: 1px solid var(--line); font-size: .9rem; }
dt { color: var(--quiet); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
form { display: grid; gap: .75rem; }
button, a { font: inherit; font-weight: 600; padding: .8rem; border-radius: 10px; border: 1px solid transparent;
  cursor: pointer; }
a { display: block; text-align: center; text-decoration: none; }
:focus-visible { outline: 3px solid var(--quiet); outline-offset: 2px; }
.yes { background: var(--good); color: #fff; } .no { background: none; color: var(--bad); border-color: currentColor; }
small { display: block; margin-top: 1.25rem; color: var(--quiet); text-align: center; }
"""
FORM = (
    '<form method="post"><input type="hidden" name="by_form" value="1">'
    '<button class="yes" name="outcome" value="succeed">Complete authentication</button>'
    '<button class="no" name="outcome" value="fail">Fail authentication</button></form>'
)
HEADINGS = {
    "requires_action": ("Is this you?", "Your bank asks you to confirm this payment."),
    "requires_payment_method": ("Not confirmed", "The payment was not made. You can try another card."),
    "requires_capture": ("Confirmed", "The amount is reserved. You can close this page."),
    "succeeded": ("Paid", "The payment is complete. You can close this page."),
    "processing": ("On its way", "The payment is being processed. You can close this page."),
    "canceled": ("Canceled", "There is nothing left to confirm."),
}


def authentication(intent: Intent, back: str | None = None) -> web.Response:
    """The question while it is open, else how it ended, with the way `back` to the shop."""
    heading, text = HEADINGS.get(intent.status, ("Nothing to confirm", "No authentication is asked for."))
    rows = {"Payment": intent.id}
    if intent.method:
        method = METHODS[intent.method]
        rows = {"Card": f"{(method.brand or method.type).capitalize()} •••• {method.last4}", **rows}
    if intent.details.get("description"):
        rows["For"] = intent.details["description"]
    form = FORM if intent.status == "requires_action" else ""
    if back:
        form = f'<a class="yes" href="{escape(back)}">Back to the shop</a>'
    return _page("3-D Secure", heading, text, shown(intent.amount, intent.currency), rows, form)


def receipt(charge: Charge) -> web.Response:
    rows = {"Charge": charge.id, "Status": charge.status}
    if charge.amount_refunded:
        rows["Refunded"] = shown(charge.amount_refunded, charge.currency)
    return _page("Receipt", "Receipt", "Thank you.", shown(charge.amount, charge.currency), rows, "")


def _page(kind: str, heading: str, text: str, amount: str, rows: dict[str, str], form: str) -> web.Response:
    number, _, currency = amount.partition(" ")
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows.items())
    return web.Response(
        text=f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(heading)} · Stripe simulator'
        '</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<style>{STYLE}</style></head><body><main><div class="bank"><span>Test bank</span><span>{escape(kind)}</span>'
        f'</div><h1>{escape(heading)}</h1><p>{escape(text)}</p><div class="amount">{escape(number)} '
        f"{escape(currency.upper())}</div><dl>{listed}</dl>{form}<small>Simulated: no bank is asked and no money moves."
        "</small></main></body></html>",
        content_type="text/html",
        charset="utf-8",
        headers=HEADERS,
    )
