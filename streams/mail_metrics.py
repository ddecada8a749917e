"""The numbers of mails, in Prometheus' words, read when they are asked for."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


class MailCollector:
    """`results`: tries, by kind and result. `waiting`: how many, and for how many seconds the oldest."""

    def __init__(
        self, results: Mapping[tuple[str, str], int], waiting: Callable[[], tuple[int, float]]
    ) -> None:
        self._results, self._waiting = results, waiting

    def collect(self) -> Iterable[Metric]:
        tries = CounterMetricFamily(
            "millrace_mails",
            "Tries to send a mail, by what they led to; waiting: put off by the server.",
            labels=["kind", "result"],
        )
        for (kind, result), count in sorted(self._results.items()):
            tries.add_metric([kind, result], count)
        yield tries
        count, oldest_s = self._waiting()
        yield GaugeMetricFamily("millrace_mails_waiting", "Mails in the outbox that are not settled.", count)
        yield GaugeMetricFamily(
            "millrace_mails_oldest_seconds", "For how long the oldest of them has waited.", oldest_s
        )
