"""A letter as text and as HTML. What it says is decided elsewhere; whatever it says is escaped here.

One column of at most 560 px, styles in place since mail programs drop sheets, nothing fetched from anywhere: no picture, no
script, no font. Who asks for dark gets it by a media query; a program that drops that shows the light one, readable as it is.
"""

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, slots=True)
class Letter:
    """`title`: its subject, too. `figures`: names and values, in order. `closing`: one more sentence, or a command to type."""

    title: str
    lead: str
    figures: tuple[tuple[str, str], ...]
    closing: str


def plain(letter: Letter) -> str:
    width = max((len(name) for name, _ in letter.figures), default=0)
    figures = (f"{name + ':':<{width + 2}}{value}" for name, value in letter.figures)
    return "\n".join((letter.title, "", letter.lead, "", *figures, "", letter.closing, ""))


def html(letter: Letter) -> str:
    rows = "".join(_ROW.format(name=escape(name), value=escape(value)) for name, value in letter.figures)
    return _PAGE.format(
        title=escape(letter.title), lead=escape(letter.lead), rows=rows, closing=escape(letter.closing)
    )


_ROW = (
    '<tr><th class="m" scope="row" style="padding:8px 12px 8px 0;text-align:left;vertical-align:top;font-weight:400;'
    'color:#555d66;white-space:nowrap">{name}</th><td class="v" style="padding:8px 0;text-align:right;word-break:break-word;'
    'overflow-wrap:anywhere;color:#14181d">{value}</td></tr>\n'
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
@media (prefers-color-scheme: dark) {{
  body, .b {{ background: #14181d !important }}
  .c {{ background: #1e242b !important }}
  h1, .v, .l {{ color: #f2f4f6 !important }}
  .m {{ color: #a9b3be !important }}
}}
</style>
</head>
<body style="margin:0;padding:0;background:#f2f4f6">
<table class="b" role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f2f4f6"><tr>
<td align="center" style="padding:24px 12px">
<table class="c" role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;background:#ffffff;\
border-radius:8px"><tr>
<td style="padding:24px;font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
<h1 style="margin:0 0 12px;font-size:20px;line-height:1.3;overflow-wrap:anywhere;color:#14181d">{title}</h1>
<p class="l" style="margin:0 0 16px;overflow-wrap:anywhere;color:#14181d">{lead}</p>
<table width="100%" cellpadding="0" cellspacing="0" style="font-size:15px;line-height:1.4">
{rows}</table>
<p class="m" style="margin:16px 0 0;font-size:13px;overflow-wrap:anywhere;color:#555d66">{closing}</p>
</td></tr></table>
</td></tr></table>
</body>
</html>
"""
