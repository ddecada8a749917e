"""Reading what payments add up to: what may be asked, and of whom. What sums tell is the model's."""

from datetime import timedelta

from models import fields, figures
from models.analytics import METHODS, MINUTE
from models.commands import FieldError
from models.figures import RANGE_MAX, STEPS, Span, Wanted
from models.ports import AnalyticsReader, Page
from web.callers import Callers
from web.operations import ANALYTICS_DECLINES, ANALYTICS_SUMMARY, ANALYTICS_TIMESERIES, Operation
from web.problems import invalid
from web.reading import AskedFor, Query

SUM_MAX = max(RANGE_MAX.values())
RANGES = (
    f"At most {SUM_MAX.days} days; by {', '.join(f'{name} {most.days}' for name, most in RANGE_MAX.items())}."
)
"""For the documents."""

_CURRENCY, _METHOD = fields.matching(fields.CURRENCY), fields.one_of(METHODS)
_INTERVAL = fields.one_of(tuple(STEPS))
_FILTERS = ("from", "to", "currency", "payment_method")


class Analytics:
    """Each method: a page that is all there is. Raises Problem, and Unavailable."""

    def __init__(self, reader: AnalyticsReader, callers: Callers) -> None:
        self._reader, self._callers = reader, callers

    async def summary(self, authorization: str | None, query: Query) -> Page:
        return await self._told(authorization, ANALYTICS_SUMMARY, query, figures.summary)

    async def declines(self, authorization: str | None, query: Query) -> Page:
        return await self._told(authorization, ANALYTICS_DECLINES, query, figures.declines)

    async def timeseries(self, authorization: str | None, query: Query) -> Page:
        return await self._told(authorization, ANALYTICS_TIMESERIES, query, figures.timeseries)

    async def _told(
        self,
        authorization: str | None,
        operation: Operation,
        query: Query,
        tell: figures.Tell,
    ) -> Page:
        caller = await self._callers.admit(authorization, operation)
        by_bucket = operation is ANALYTICS_TIMESERIES
        asked = AskedFor(query, (*_FILTERS, "interval") if by_bucket else _FILTERS)
        interval = asked.needed("interval", _INTERVAL) if by_bucket else MINUTE
        currency, method = asked.checked("currency", _CURRENCY), asked.checked("payment_method", _METHOD)
        whole = _range(asked, interval, RANGE_MAX.get(interval, SUM_MAX) if by_bucket else SUM_MAX)
        asked.refuse_what_is_wrong()
        assert whole is not None
        parts = (whole,) if by_bucket else figures.spans(whole)
        told = await self._reader.sums(Wanted(caller.merchant, parts, currency, method))
        if len(told) > figures.SUMS_MAX:
            raise invalid(
                [FieldError("to", "must be earlier, or currency given: this holds too many figures")]
            )
        return Page(tell(told, whole), False)


def _range(asked: AskedFor, interval: str, longest: timedelta) -> Span | None:
    """Widened to whole buckets; None where anything is wrong with it, which is said."""
    begins_at, ends_at = asked.needed_time("from"), asked.needed_time("to")
    if begins_at is None or ends_at is None or interval not in STEPS:
        return None
    if begins_at >= ends_at:
        asked.wrong("to", "must be later than from")
    elif ends_at - begins_at > longest:
        asked.wrong("to", f"must be at most {longest.days} days after from")
    else:
        try:
            return figures.widened(begins_at, ends_at, interval)
        except OverflowError:
            asked.wrong("to", "must be earlier")
    return None
