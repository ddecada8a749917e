"""The test that stands nearest to a safeguard misses it: `pytest tests/faults/planted/each_is_missed.py`, some minutes long.

It is part of `make faults-all`; the campaign over the whole system has to notice them without knowing where to look.
"""

import os
import subprocess
import sys

import pytest

from sandbox.stack import CHECKOUT
from tests.faults.planted import environment

WITHIN_S = 120
TESTS_FAILED = 1  # pytest's exit status; anything above it is an accident

MISSED_BY = {
    "forgets_commands": "models/test_remembering.py::test_a_refusal_is_kept_when_the_payment_could_now_do_it",
    "any_body_is_the_same": "agents/test_writer.py::test_the_same_id_with_another_body_is_refused_and_the_first_goes_on",
    "strangers_may_act": "models/test_remembering.py::test_a_stranger_is_told_there_is_no_such_payment_whatever_is_sent",
    "refunds_reserve_nothing": "models/test_refunding.py::test_refunds_in_part_reserve_what_they_may_take",
    "late_failures_change_nothing": "models/test_refunding.py"
    "::test_a_refund_that_fails_after_it_had_succeeded_makes_the_money_refundable_again",
    "stale_creates_pass": "models/test_creating.py::test_a_create_that_waited_too_long_is_refused_and_stays_refused",
    "keys_never_age": "streams/adapters/stripe/test_stripe_doubt.py"
    "::test_a_key_that_grows_too_old_between_two_sends_is_not_sent_again",
    "unknown_is_declined": "models/test_creating.py::test_an_unknown_outcome_is_known_later_under_the_same_key",
    "other_accounts_are_believed": "models/test_accounts.py::test_another_accounts_notice_says_nothing_of_it",
    "the_old_is_news": "models/test_notices.py::test_every_order_of_each_notice_once_ends_in_the_same_state",
    "keys_at_random": "streams/adapters/stripe/test_stripe_doubt.py"
    "::test_what_goes_wrong_once_is_sent_again_under_its_key_and_charges_once",
    "doubt_raises_the_attempt": "streams/adapters/stripe/test_stripe_doubt.py"
    "::test_a_payment_whose_answers_stay_lost_is_unknown_and_once_heard_was_charged_once",
    "parameters_anew": "streams/adapters/stripe/test_stripe_requests.py"
    "::test_two_processes_with_metadata_in_another_order_send_the_same",
    "forged_notices_are_believed": "streams/adapters/stripe/test_stripe_notices.py::test_forgeries_are_refused",
    "notices_of_any_age_are_believed": "streams/adapters/stripe/test_stripe_notices.py"
    "::test_a_signature_too_old_or_from_the_future_is_not",
    "unsigned_commands_are_believed": "streams/wire/test_wire.py"
    "::test_a_signature_for_another_payment_is_worth_nothing",
    "any_partition_will_do": "streams/wire/test_wire.py"
    "::test_a_key_on_another_partition_than_murmur2_says_is_misplaced",
    "answers_go_anywhere": "streams/wire/test_wire.py::test_a_reply_address_outside_the_replies_is_no_address",
    "any_answer_is_ones_own": "streams/adapters/test_replies.py"
    "::test_another_content_or_another_merchant_under_the_same_id_has_its_own_answer",
    "accepted_before_it_is_durable": "streams/adapters/test_command_log.py"
    "::test_what_was_appended_is_in_the_log_and_not_on_its_way",
    "strangers_may_look": "streams/test_payment_reads.py::test_another_merchants_payment_is_not_there_in_either",
    "webhooks_count_when_taken": "streams/adapters/test_webhook_queue.py"
    "::test_what_is_leased_is_leased_to_one_and_comes_again_when_that_one_dies",
    "webhook_ids_at_random": "models/test_webhooks.py::test_an_id_is_of_one_event_and_one_endpoint",
    "older_rows_overwrite": "streams/adapters/test_payments_contract.py"
    "::test_an_older_state_never_replaces_a_newer_one",
    "older_views_overwrite": "streams/adapters/test_cache_contract.py"
    "::test_an_older_sequence_never_replaces_a_newer_one",
}
"""The delivery's bugs have a story each instead (tests/streams/delivery/test_safeguards.py)."""


def python(*arguments: str, planted: list[str]) -> "subprocess.CompletedProcess[str]":
    usual = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env=usual | environment(*planted),
        timeout=WITHIN_S,
        capture_output=True,
        text=True,
    )


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("bug", MISSED_BY)
def test_the_nearest_test_misses_what_is_switched_off(bug: str) -> None:
    said = python("-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{MISSED_BY[bug]}", planted=[bug])
    assert said.returncode == TESTS_FAILED, said.stdout + said.stderr
