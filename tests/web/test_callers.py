"""Who is let in: keys and signed tokens, with their scopes, of the system's own mode; and what is said to everybody else."""

import pytest
from prometheus_client import CollectorRegistry

from models.callers import Operator, Principal
from models.codes import Code
from models.scopes import OPERATOR, SCOPES
from tests.fakes import FakeApiKeys, FakeTokens
from tests.web.service import Service
from web import operations
from web.callers import TOKEN_MAX_CHARS, Callers
from web.metrics import DoorMetrics
from web.operations import GET_PAYMENT, Operation
from web.problems import Problem
from web.rate_limits import Allowance, RateLimiting

ANN = Principal("mer_ann", "mr_test_ann", frozenset({"payments:read"}), False)
SIGNED = Principal("mer_ann", "jwt:ann", frozenset({"payments:read"}), False)
TOKEN = "eyJh.eyJi.c-_"
UNLIMITED = RateLimiting(Service().limiter, Allowance(0, 0), DoorMetrics(CollectorRegistry()).rate_limited)
OPERATIONS = [each for each in vars(operations).values() if isinstance(each, Operation)]
SCOPED = [each for each in OPERATIONS if each.scope]


def callers(
    holder: Principal | Operator = ANN, signed: Principal | None = SIGNED, livemode: bool = False
) -> Callers:
    tokens = FakeTokens({TOKEN: signed} if signed else {})
    return Callers(FakeApiKeys({"mr_test_ann": holder}), livemode, UNLIMITED, tokens)


async def refused(callers: Callers, authorization: str | None, operation: Operation = GET_PAYMENT) -> Problem:
    with pytest.raises(Problem) as problem:
        await callers.admit(authorization, operation)
    with pytest.raises(Problem) as later:
        await callers.still(authorization, operation)
    assert later.value.code is problem.value.code
    return problem.value


@pytest.mark.parametrize(
    "authorization", ["Bearer mr_test_ann", "bearer  mr_test_ann", " BEARER mr_test_ann "]
)
async def test_the_holder_of_a_key_is_let_in(authorization: str) -> None:
    assert await callers().admit(authorization, GET_PAYMENT) == ANN


async def test_the_holder_of_a_token_is_let_in_and_only_where_tokens_are_taken() -> None:
    assert await callers().admit(f"Bearer {TOKEN}", GET_PAYMENT) == SIGNED
    problem = await refused(Callers(FakeApiKeys(), False, UNLIMITED), f"Bearer {TOKEN}")
    assert problem.code is Code.UNAUTHENTICATED


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "mr_test_ann",
        TOKEN,
        "Basic mr_test_ann",
        "Bearer",
        "Bearer sk_test_x",
        f"Bearer {TOKEN} x",
        f"Bearer {TOKEN}.d",
        f"Bearer {TOKEN}==",
        "Bearer eyJh.eyJi",
        "Bearer mr_test_ann, Bearer mr_test_ann",
        "Bearer eyJé.eyJi.c",
        f"Bearer eyJ{'h' * TOKEN_MAX_CHARS}.eyJi.c",
    ],
)
async def test_what_is_neither_key_nor_token_is_not_looked_up(authorization: str | None) -> None:
    keys, tokens = FakeApiKeys({"mr_test_ann": ANN}), FakeTokens({TOKEN: SIGNED})
    problem = await refused(Callers(keys, False, UNLIMITED, tokens), authorization)
    assert problem.code is Code.UNAUTHENTICATED
    assert problem.headers["WWW-Authenticate"] == 'Bearer realm="millrace"'
    assert keys.asked == tokens.asked == 0


@pytest.mark.parametrize("authorization", ["Bearer mr_test_eve", "Bearer eyJx.eyJx.x"])
async def test_who_is_not_known_is_told_that_and_no_more(authorization: str) -> None:
    problem = await refused(callers(), authorization)
    assert problem.code is Code.UNAUTHENTICATED
    assert problem.headers["WWW-Authenticate"] == 'Bearer realm="millrace", error="invalid_token"'
    assert authorization.split()[1] not in str(problem.document("req_1"))


@pytest.mark.parametrize("authorization", ["Bearer mr_test_ann", f"Bearer {TOKEN}"])
async def test_keys_and_tokens_are_for_one_mode(authorization: str) -> None:
    assert (await refused(callers(livemode=True), authorization)).code is Code.UNAUTHENTICATED


@pytest.mark.parametrize("operation", SCOPED, ids=lambda operation: operation.name)
async def test_every_operation_needs_its_own_scope(operation: Operation) -> None:
    only = frozenset({operation.scope})
    one = callers(Principal("mer_ann", "p", only, False))
    assert (await one.admit("Bearer mr_test_ann", operation)).scopes == only
    others = frozenset(SCOPES) - only | {OPERATOR}
    problem = await refused(
        callers(Principal("mer_ann", "p", others, False)), "Bearer mr_test_ann", operation
    )
    assert problem.code is Code.FORBIDDEN
    assert f'scope="{operation.scope}"' in problem.headers["WWW-Authenticate"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("livemode", [False, True])
async def test_the_operators_own_key_opens_nothing_that_is_a_merchants(
    operation: Operation, livemode: bool
) -> None:
    problem = await refused(
        callers(Operator("mr_oper_ada"), livemode=livemode), "Bearer mr_test_ann", operation
    )
    assert problem.code is Code.FORBIDDEN


def test_no_operation_of_a_merchants_is_the_operators() -> None:
    assert SCOPED and {each.scope for each in SCOPED} <= SCOPES.keys()
    assert OPERATOR not in SCOPES


@pytest.mark.parametrize("authorization", ["Bearer mr_test_ann", f"Bearer {TOKEN}"])
async def test_what_cannot_be_checked_now_may_be_tried_again(authorization: str) -> None:
    keys, tokens = FakeApiKeys(), FakeTokens({})
    keys.away = tokens.away = True
    assert (await refused(Callers(keys, False, UNLIMITED, tokens), authorization)).code is Code.UNAVAILABLE
