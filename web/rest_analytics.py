"""REST's analytics: JSON, or a table where `Accept` asks for one. Nothing is decided here."""

from aiohttp import web

from models import figures
from models.ports import Page
from web import answers, conditional, csv_tables
from web.analytics import Analytics
from web.requests import authorization, query


class RestAnalytics:
    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    async def analytics_summary(self, request: web.Request) -> web.Response:
        page = await self._analytics.summary(authorization(request), query(request))
        return _told(request, page, figures.summary)

    async def analytics_timeseries(self, request: web.Request) -> web.Response:
        page = await self._analytics.timeseries(authorization(request), query(request))
        return _told(request, page, figures.timeseries)

    async def analytics_declines(self, request: web.Request) -> web.Response:
        page = await self._analytics.declines(authorization(request), query(request))
        return _told(request, page, figures.declines)


def _told(request: web.Request, page: Page, tell: figures.Tell) -> web.Response:
    if csv_tables.is_wanted(",".join(request.headers.getall("Accept", ()))):
        body = csv_tables.table(page.data, figures.columns(tell)).encode()
        response = conditional.answer(request, body, f"{csv_tables.CONTENT_TYPE}; charset=utf-8")
    else:
        response = answers.read(request, page)
    response.headers["Vary"] = "Accept"
    return response
