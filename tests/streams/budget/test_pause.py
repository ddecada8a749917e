"""When an account is paused, and what ends it."""

from streams.budget.pause import DOWN_AFTER, DOWN_AFTER_S, PROBE_FIRST_S, PROBE_MAX_S, REFUSED_PROBE_S, Pause


def down(pause: Pause, start: float = 0.0) -> float:
    """Failures until it is paused; the time then."""
    at = start
    while not pause.failed(at, "nobody answers"):
        assert at < start + 60
        at += 0.5
    return at


def test_some_failures_or_many_at_once_pause_nothing() -> None:
    pause = Pause()
    assert not any(pause.failed(DOWN_AFTER_S * 2 + n, "lost") for n in range(DOWN_AFTER - 1))
    burst = Pause()
    assert not any(burst.failed(1.0, "lost") for _ in range(DOWN_AFTER * 10))
    assert pause.lets_through(99.0) and burst.lets_through(1.0)


def test_many_that_fail_at_once_after_a_rest_pause_nothing() -> None:
    """All connections may have been closed meanwhile."""
    pause = Pause()
    pause.answered()
    assert not any(pause.failed(3_600.0 + n / 100, "lost") for n in range(DOWN_AFTER * 3))
    assert pause.failed(3_600.0 + DOWN_AFTER_S, "lost")


def test_an_answer_of_any_substance_in_between_begins_the_count_anew() -> None:
    pause = Pause()
    for n in range(DOWN_AFTER * 3):
        assert not pause.failed(float(n), "lost")
        if n % (DOWN_AFTER - 1) == 0:
            pause.answered()


def test_while_paused_one_call_in_a_while_finds_out_ever_more_rarely() -> None:
    pause = Pause()
    at = down(pause)
    let_through = []
    for step in range(2_000):
        now = at + step * 0.1
        if pause.lets_through(now):
            let_through.append(now - at)
            pause.failed(now, "still nobody")
    waits = [later - earlier for earlier, later in zip([0.0, *let_through], let_through, strict=False)]
    assert abs(waits[0] - PROBE_FIRST_S) < 0.2 and waits == sorted(waits)
    assert max(waits) <= PROBE_MAX_S + 0.2


def test_it_resumes_by_itself_with_the_first_answer() -> None:
    pause = Pause()
    at = down(pause)
    assert not pause.lets_through(at + 0.1)
    assert pause.answered()
    assert all(pause.lets_through(at + PROBE_FIRST_S) for _ in range(100))


def test_a_refused_key_pauses_at_once_and_is_said_once() -> None:
    pause = Pause()
    assert pause.refused(0.0, "HTTP 401")
    assert not pause.refused(0.1, "HTTP 401")
    assert not pause.lets_through(REFUSED_PROBE_S - 1)
    assert pause.lets_through(REFUSED_PROBE_S + 1)
