"""The state machine: random schemas and operations on a pair of servers, whose answers have to be the same."""
import math
from typing import Any, Callable, List, Optional

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule, run_state_machine_as_test

from . import schemacalls
from .answers import Call, Difference, Pair
from .datacalls import ROLES, request
from .families import World
from .picking import Picker
from .shortening import shortest

__all__ = ['STEPS', 'Differential', 'run']

STEPS = 200


@st.composite
def beginnings(draw: Any, world: World) -> schemacalls.Change:
    return schemacalls.beginning(Picker(draw), world)


class Differential(RuleBasedStateMachine):
    """One run: keyspaces and families of its own, and calls on them.

    A rule for each role of a call is added below: as many as the role's weight.
    """

    families = Bundle('families')

    def __init__(self, pair: Pair) -> None:
        super().__init__()
        self.pair = pair
        self.world = World(pair.profile, pair.new_prefix(), pair.partitioner)
        self.program: List[Call] = []
        self.difference: Optional[Difference] = None
        pair.begin(self.world.prefix)

    def perform(self, call: Call) -> Any:
        """Both servers' answer. Raises Difference."""
        self.program.append(call)
        try:
            return self.pair.do(call)
        except Difference as difference:
            self.difference = difference
            raise

    @initialize(target=families, data=st.data())
    def begin(self, data: Any) -> Any:
        return self.carry_out(data.draw(beginnings(self.world)))

    @rule(target=families, change=families.flatmap(schemacalls.change))
    def change_schema(self, change: schemacalls.Change) -> Any:
        return self.carry_out(change)

    def carry_out(self, change: schemacalls.Change) -> Any:
        for call in change.calls:
            answer = self.perform(call)
        return multiple(*change.made(answer))

    def teardown(self) -> None:
        for keyspace in self.world.present:
            self.pair.drop(keyspace)


def _rule_of(role: Callable[..., Call], name: str) -> Any:
    def step(self: Differential, call: Call) -> None:
        self.perform(call)
    step.__name__ = name
    return rule(call=Differential.families.flatmap(lambda family: request(role, family)))(step)


for _role, _weight in ROLES.items():
    for _number in range(_weight):
        setattr(Differential, f'{_role.__name__}_{_number}', _rule_of(_role, f'{_role.__name__}_{_number}'))


def run(pair: Pair, operations: int, chance: int, machine: Any = Differential, shortening: float = 60) -> None:
    """Runs machines until so many operations were compared, with choices that follow from `chance` alone.

    Raises Difference with the shortest program that so many seconds of `shortening` found.
    """
    goal = pair.tally.operations + operations
    while pair.tally.operations < goal:
        made: List[Differential] = []

        def factory(made: List[Differential] = made) -> Differential:
            made.append(machine(pair))
            return made[-1]
        try:
            run_state_machine_as_test(seed(chance)(factory), settings=settings(
                max_examples=math.ceil((goal - pair.tally.operations) / STEPS), stateful_step_count=STEPS,
                deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck),
                verbosity=Verbosity.quiet, print_blob=False, report_multiple_bugs=False))
        except (Difference, Flaky):
            # Hypothesis asks again what failed, and a server whose answer is a matter of luck may then say otherwise.
            failed = [each for each in made if each.difference is not None]
            if not failed:
                raise
            raise shortest(pair, failed[-1].world.prefix, failed[-1].program, failed[-1].difference,
                           shortening) from None
        chance += 1
