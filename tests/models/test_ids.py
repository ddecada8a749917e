"""Derived ids, against values written down: Kafka producers derive the same ones, so they may never change."""

from uuid import UUID, uuid5

from models.ids import (
    NAMESPACE,
    PAYMENT_ID,
    REFUND_ID,
    command_uuid,
    event_id,
    internal_command_id,
    payment_id,
    refund_id,
)

GOLDEN = UUID("441a91e0-5ddf-5fd4-b02c-75a6f78ee3d3")


def test_the_namespace_and_the_derivation_are_the_published_ones() -> None:
    assert str(NAMESPACE) == "6f1f9c1e-2a64-5c0f-9d54-0b8f5f3c7a11"
    assert command_uuid("mer_1", "order-1001") == GOLDEN == uuid5(NAMESPACE, "mer_1\norder-1001")


def test_payment_and_refund_ids_are_prefix_and_hex() -> None:
    assert payment_id(GOLDEN) == "pay_441a91e05ddf5fd4b02c75a6f78ee3d3"
    assert refund_id(GOLDEN) == "re_441a91e05ddf5fd4b02c75a6f78ee3d3"
    assert PAYMENT_ID.fullmatch(payment_id(GOLDEN))
    assert REFUND_ID.fullmatch(refund_id(GOLDEN))


def test_event_and_internal_ids_never_change() -> None:
    assert event_id("pay_1", "c1", 1) == "25295940-ed85-52af-bc06-c1c1e5aab34b"
    assert internal_command_id("pay_1", "check") == "f9e6f25b-6ff5-5f86-adaf-86cc8beed434"


def test_ids_differ_in_every_part_they_are_made_of() -> None:
    assert (
        len({event_id(p, c, n) for p in ("pay_1", "pay_2") for c in ("c1", "c2") for n in (1, 2, 11)}) == 12
    )
    assert len({command_uuid(m, k) for m in ("mer_1", "mer_2") for k in ("1", "2")}) == 4


def test_ids_of_another_form_are_not_taken() -> None:
    for wrong in (
        "pay_" + "A" * 32,
        "pay_" + "0" * 31,
        "pay_" + "0" * 33,
        "re_" + "0" * 32,
        "pay_" + "٠" * 32,
    ):
        assert not PAYMENT_ID.fullmatch(wrong)
