"""Each answer of the delivery to a trap, on a real broker; and that each story notices when its answer is gone.

The stories are in `scenarios_writer.py`, `scenarios_gateway.py` and `scenarios_follower.py`, the bugs in
`tests/faults/planted/delivery.py`.
"""

from collections.abc import Awaitable, Callable

import pytest

from tests.streams.delivery import scenarios_follower as follower
from tests.streams.delivery import scenarios_gateway as gateway
from tests.streams.delivery import scenarios_writer as writer
from tests.streams.delivery.world import HURRY, World, patience

Scenario = Callable[[World], Awaitable[None]]

SAFEGUARDS: list[tuple[Scenario, str]] = [
    (writer.a_writer_that_wakes_after_a_takeover_changes_nothing, "no_fencing"),
    (writer.an_open_transaction_in_the_changelog_ends_the_process, "open_transactions_pass"),
    (writer.state_and_position_are_seen_together, "position_outside"),
    (writer.what_was_said_is_seen_with_the_state_that_it_belongs_to, "events_before_states"),
    (writer.nothing_is_skipped_in_a_rebalance_under_load, "queues_emptied"),
    (writer.a_recovery_that_ends_in_the_next_rebalance_lets_nothing_flow, "late_recoveries_resume"),
    (writer.who_has_read_back_too_little_commits_nothing, "ends_are_believed"),
    (writer.poison_leaves_no_trace, "poison_leaves_traces"),
    (writer.a_batch_that_a_broker_refuses_takes_its_transaction_with_it, "commits_whatever_failed"),
    (writer.an_undecodable_record_is_a_dead_letter_and_the_next_one_is_taken, "faust_decodes"),
    (writer.an_undecodable_record_is_a_dead_letter_and_the_next_one_is_taken, "dead_letters_dropped"),
    (writer.an_exception_in_a_step_ends_the_process, "escapes_are_logged"),
    (writer.an_exception_in_a_listener_ends_the_process, "escapes_are_logged"),
    (gateway.a_commit_never_passes_an_unfinished_record, "acks_out_of_order"),
    (gateway.partitions_without_a_place_are_read_from_their_beginning, "no_beginning"),
    (gateway.a_leader_without_metadata_assigns_all_the_same, "leader_knows_nothing"),
    (gateway.a_lost_answer_duplicates_nothing, "plain_producer"),
    (gateway.aborted_records_are_never_handled, "uncommitted_reads"),
    (gateway.what_runs_may_finish_before_partitions_are_handed_over, "no_drain"),
    (gateway.a_hanging_handler_holds_up_a_hand_over_for_a_bounded_time, "unbounded_drain"),
    (gateway.an_exception_in_a_handler_ends_the_process, "escapes_are_logged"),
    (gateway.an_exception_while_handing_over_ends_the_process, "escapes_are_logged"),
    (follower.a_commit_never_passes_what_is_not_stored, "place_before_store"),
]


@pytest.mark.real
@pytest.mark.parametrize(
    "scenario", [pytest.param(one, id=one.__name__) for one in dict.fromkeys(one for one, _ in SAFEGUARDS)]
)
async def test_safeguard_holds(scenario: Scenario, world: World) -> None:
    await scenario(world)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "bug"), [pytest.param(one, bug, id=f"{bug}-{one.__name__}") for one, bug in SAFEGUARDS]
)
async def test_without_the_safeguard_the_story_fails(scenario: Scenario, bug: str, world: World) -> None:
    world.bug = bug
    patience.set(HURRY)
    with pytest.raises(AssertionError):
        await scenario(world)
