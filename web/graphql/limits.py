"""How much one query may ask for: depth, aliases, fields, cost and values, counted before any of it is carried out.

A fragment counts wherever it is spread, so that it hides nothing; it is walked once, however often that is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from models.card_numbers import holds_card_number
from models.commands import FieldError
from models.fields import CARD_NUMBER
from models.figures import RANGE_MAX, STEPS
from web.graphql.schema import CORE
from web.problems import Problem, invalid
from web.reading import LIMIT_DEFAULT, LIMIT_MAX

DEPTH_MAX = 20
"""Selection sets in each other. What shows most of a payment has 9; introspection, as tools send it, 17."""

ALIASES_MAX = 30
FIELDS_MAX = 300
"""All there is to see of a payment is some 100. To check a query takes up to the square of it: for these 50 ms."""

REPEATS_MAX = 100
"""Fields that stand where they stood already, as in fragments side by side: whether any two of them agree takes the square."""

VALUES_MAX = 10_000
"""In an answer: a full page of payments, and all there is of each. It takes some 80 ms, in which nobody else is answered."""

VALUES_OF_NEWS_MAX = 1_000
"""Of a subscription, each time that something happens, which nobody has asked for then: it is not counted against a limit."""

VALUES_OF_A_UNIT = 50
"""Of a caller's rate limit: about as long as what else costs one."""

COST_MAX = 5000
COST_OF_READ, COST_OF_COMMAND = 50, 500
"""Beside 1 for each object: so a request holds at most ten commands, and at most a hundred looks into the store."""

_ROOTS = {"Query": COST_OF_READ, "Subscription": COST_OF_READ, "Mutation": COST_OF_COMMAND}
_TYPES: Any = CORE.type_map
_COSTS = {field: cost for root, cost in _ROOTS.items() for field in _TYPES[root].fields}
"""At the root; further in, only a story is looked up."""

_INTROSPECTED = {"__schema": 2000, "__type": 200}
"""Values: how many they really show is the schema's own affair."""
_CONNECTIONS = frozenset({"payments", "refunds", "events"})
"""Whatever these show counts as many times as the page that is asked for is long."""

_SUMS_MAX = {"summary": 10, "timeseries": 0, "declines": 100}
"""Reads besides, whose lists have no pages: how many entries each is taken to have. A series has its buckets."""
_BUCKETS_MAX = {interval: RANGE_MAX[interval] // step for interval, step in STEPS.items()}

Variables = Mapping[str, Any]
Definition = OperationDefinitionNode | FragmentDefinitionNode


class Measure(NamedTuple):
    depth: int = 0
    aliases: int = 0
    fields: int = 0
    cost: int = 0
    values: int = 0

    @property
    def units(self) -> int:
        """Of the caller's rate limit, beside what it costs to be read at all."""
        return self.values // VALUES_OF_A_UNIT


def check(document: DocumentNode, asked: Definition, variables: Variables | None) -> Measure:
    """Raises Problem. The document need not be valid. `variables`: None where they are not looked at yet."""
    defaults = {
        each.variable.name.value: value
        for each in asked.variable_definitions or ()
        if (value := _default(each.default_value)) is not None
    }
    sizes = None if variables is None else defaults | dict(variables)
    walk = _Walk(document, sizes)
    found = walk.of(asked.selection_set, 1, is_root=isinstance(asked, OperationDefinitionNode))
    if found.aliases > ALIASES_MAX:
        raise _refused(f"must not have more than {ALIASES_MAX} aliases")
    if found.fields > FIELDS_MAX:
        raise _refused(f"must not have more than {FIELDS_MAX} fields")
    if found.cost > COST_MAX:
        raise _refused(f"must not cost more than {COST_MAX}: ask for fewer objects, or for less of each")
    if found.values > (most := VALUES_OF_NEWS_MAX if _is_subscription(asked) else VALUES_MAX):
        raise _refused(f"must not show more than {most} values: ask for fewer objects, or for less of each")
    if variables is None and walk.repeats([asked.selection_set]) > REPEATS_MAX:
        raise _refused(f"must not name the same field again more than {REPEATS_MAX} times")
    return found


def _refused(message: str) -> Problem:
    return invalid([FieldError("query", message)])


def _is_subscription(asked: Definition) -> bool:
    return isinstance(asked, OperationDefinitionNode) and asked.operation is OperationType.SUBSCRIPTION


def _default(value: ValueNode | None) -> int | str | None:
    """Of those that say how much is asked for: a number, or the name of an interval."""
    match value:
        case IntValueNode():
            return _number(value.value)
        case EnumValueNode():
            return value.value
    return None


class _Walk:
    """`level`: how many selection sets stand around; no walk goes deeper than a query may."""

    def __init__(self, document: DocumentNode, variables: Variables | None) -> None:
        named = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
        self._fragments = {each.name.value: each for each in named}
        self._measured: dict[str, Measure] = {}
        self._variables = variables

    def of(self, selected: SelectionSetNode, level: int, is_root: bool = False) -> Measure:
        if level > DEPTH_MAX:
            raise _refused(f"must not be nested deeper than {DEPTH_MAX}")
        found = [self._selection(each, level, is_root) for each in selected.selections]
        depth = 1 + max((each.depth for each in found), default=0)
        return Measure(
            depth, *(sum(counts) for counts in zip((0,) * 4, *(each[1:] for each in found), strict=True))
        )

    def repeats(self, together: Sequence[SelectionSetNode]) -> int:
        """How many fields of what stands `together`, in one place of the answer, are asked for again. What was measured ends."""
        fields = list(self._fields(together, set()))
        by_name: dict[str, list[SelectionSetNode]] = {}
        for field in fields:
            under = by_name.setdefault(field.alias.value if field.alias else field.name.value, [])
            if field.selection_set:
                under.append(field.selection_set)
        return len(fields) - len(by_name) + sum(map(self.repeats, by_name.values()))

    def _fields(self, together: Iterable[SelectionSetNode], spread: set[str]) -> Iterator[FieldNode]:
        """Each fragment once."""
        for selection in (each for selected in together for each in selected.selections):
            match selection:
                case FieldNode():
                    yield selection
                case InlineFragmentNode():
                    yield from self._fields([selection.selection_set], spread)
                case FragmentSpreadNode() if selection.name.value not in spread:
                    spread.add(selection.name.value)
                    if (fragment := self._fragments.get(selection.name.value)) is not None:
                        yield from self._fields([fragment.selection_set], spread)

    def _selection(self, selection: SelectionNode, level: int, is_root: bool) -> Measure:
        match selection:
            case FieldNode():
                return self._field(selection, level, is_root)
            case FragmentSpreadNode():
                return self._fragment(selection.name.value, level)
            case InlineFragmentNode():
                return self.of(selection.selection_set, level + 1, is_root)
        raise AssertionError(selection)

    def _field(self, field: FieldNode, level: int, is_root: bool) -> Measure:
        if field.alias and holds_card_number(field.alias.value):  # it would come back in the answer
            raise _refused(CARD_NUMBER)
        name, under = field.name.value, Measure()
        if field.selection_set:
            under = self.of(field.selection_set, level + 1)
        times = self._times(field)
        looked_up = _COSTS.get(name, 0) if is_root else COST_OF_READ * (name == "events" or name in _SUMS_MAX)
        own = looked_up + bool(field.selection_set)
        values = times * under.values + (_INTROSPECTED.get(name, 0) if field.selection_set else 1)
        aliases = under.aliases + bool(field.alias)
        return Measure(under.depth, aliases, under.fields + 1, own + times * under.cost, values)

    def _fragment(self, name: str, level: int) -> Measure:
        if name not in self._measured:
            self._measured[name] = Measure()  # for one that spreads itself: the rules of GraphQL refuse it
            if (fragment := self._fragments.get(name)) is not None:
                is_root = fragment.type_condition.name.value in _ROOTS
                self._measured[name] = self.of(fragment.selection_set, level + 1, is_root)
        if level + self._measured[name].depth > DEPTH_MAX:
            raise _refused(f"must not be nested deeper than {DEPTH_MAX}")
        return self._measured[name]

    def _times(self, field: FieldNode) -> int:
        name = field.name.value
        if name == "timeseries":
            return self._buckets_of(field)
        return self._page_of(field) if name in _CONNECTIONS else _SUMS_MAX.get(name, 1)

    def _buckets_of(self, field: FieldNode) -> int:
        """Where a variable that is not looked at yet says how long they are: as few as there can be."""
        given = next((each.value for each in field.arguments or () if each.name.value == "interval"), None)
        interval = given.value if isinstance(given, EnumValueNode) else None
        if isinstance(given, VariableNode):
            interval = (self._variables or {}).get(given.name.value)
        return _BUCKETS_MAX.get(str(interval), min(_BUCKETS_MAX.values()))

    def _page_of(self, field: FieldNode) -> int:
        given = [each.value for each in field.arguments or () if each.name.value in ("first", "last")]
        size = self._size(given[0]) if given else LIMIT_DEFAULT
        return min(max(size, 1), LIMIT_MAX)

    def _size(self, given: ValueNode) -> int:
        if not isinstance(given, VariableNode):
            return _number(getattr(given, "value", ""))
        if self._variables is None:
            return 1
        size = self._variables.get(given.name.value)
        if isinstance(size, float) and size.is_integer():  # GraphQL takes 100.0 for 100
            return int(size)
        return size if isinstance(size, int) else LIMIT_DEFAULT


def _number(text: object) -> int:
    """Of a size that no page has, the largest will do: it is refused where it is used."""
    return int(text) if isinstance(text, str) and text.isdecimal() and len(text) < 10 else LIMIT_MAX
