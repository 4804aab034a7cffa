"""What befalls every controller in a random history: crashes, lost answers, stale caches, news told twice, and time.

Rules of users and of the cluster, and what must be true in the end, are the subclasses'. A failing history is printed
as a program that replays it.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from controller_api import Api, Crash
from controller_world import Life
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

CALM_ROUNDS = 60
CALM_STEP_S = 30
QUIET_S = 400
"""Longer than the longest wait that a controller imposes on itself: what is looked at after that is for ever."""
RECONCILES_AT_MOST = 100
"""Of one controller, before others do something; one that wants more never comes to rest."""


def searched(examples: int) -> settings:
    """How far histories are searched: so many of them, of forty steps."""
    return settings(max_examples=examples, stateful_step_count=40, deadline=None,
                    suppress_health_check=list(HealthCheck))


class Histories(RuleBasedStateMachine):
    """A controller's life, in which anything may happen between any two of its writes."""

    def __init__(self) -> None:
        super().__init__()
        self.api = self.new_api()
        self.life = self.new_life()
        self.loop = asyncio.new_event_loop()

    # To be filled in

    def new_api(self) -> Api:
        """The cluster as it is in the beginning."""
        raise NotImplementedError

    def new_life(self) -> Life:
        """The controllers as they start."""
        raise NotImplementedError

    def others_do_their_part(self) -> None:
        """Everybody but the controllers, once."""
        raise NotImplementedError

    def all_is_as_wanted(self) -> None:
        """What must be true when nothing happens any more."""
        raise NotImplementedError

    def users_let_it_work(self) -> None:
        """Whatever keeps the controllers from their work is taken away, so that something is to be seen in the end."""

    # The controllers

    def work(self, worker: int) -> bool:
        worker %= len(self.life.workers)
        return bool(self.life.due(worker)) and self.loop.run_until_complete(self.life.work(worker))

    @rule(workers=st.lists(st.integers(0, 5), min_size=1, max_size=8), call=st.integers(0, 8),
          trouble=st.sampled_from(["before", "after"]))
    def controllers_work(self, workers: list[int], call: int, trouble: str) -> None:
        """Some reconciles, of which one call to the API fails, or its answer is lost (call 0: none)."""
        self.api.trouble, self.api.calls_until_trouble = trouble, call
        for worker in workers:
            self.work(worker)
        self.api.calls_until_trouble = 0

    @rule(worker=st.integers(0, 5), call=st.integers(1, 4), trouble=st.sampled_from(["before", "after"]))
    def controllers_die_at_a_write(self, worker: int, call: int, trouble: str) -> None:
        """The program ends in the midst of a reconcile: right before a write, or before it learns of the answer."""
        self.api.trouble, self.api.calls_until_trouble, self.api.deadly = trouble, call, True
        try:
            self.work(worker)
        except Crash:
            self.controllers_are_killed()
        finally:
            self.api.calls_until_trouble, self.api.deadly = 0, False

    @rule()
    def controllers_are_killed(self) -> None:
        self.life = self.new_life()

    @rule(deaf=st.sets(st.integers(0, 20), max_size=4), events=st.sampled_from([1, 3, 1000]))
    def caches_hear(self, deaf: set[int], events: int) -> None:
        """Some caches fall behind the others."""
        for number, informer in enumerate(self.life.informers):
            if number not in deaf:
                informer.hear(events)

    @rule(events=st.integers(1, 3))
    def news_come_twice(self, events: int) -> None:
        """What a cache knew is told again after what came later."""
        for informer in self.life.informers:
            before = informer.all()
            informer.hear(events)
            for obj in before:
                if informer.get(obj.metadata.namespace, obj.metadata.name) is not None:
                    informer.cache.added_or_modified(obj)

    # Everything else

    @rule(seconds=st.sampled_from([1, 15, 400]))
    def time_passes(self, seconds: int) -> None:
        self.api.now += timedelta(seconds=seconds)

    @rule()
    def others_work(self) -> None:
        self.others_do_their_part()

    @rule(rounds=st.integers(1, 6))
    def all_goes_well_for_a_while(self, rounds: int) -> None:
        for _ in range(rounds):
            self.life.hear_all()
            for worker in range(3 * len(self.life.workers)):
                self.work(worker)
            self.others_do_their_part()
            self.api.now += timedelta(seconds=1)

    @invariant()
    def no_write_changes_nothing(self) -> None:
        assert self.api.idle_writes == []

    # How it must end

    def work_until_quiet(self) -> None:
        """All that is to be done now is done."""
        for worker in range(len(self.life.workers)):
            for _ in range(RECONCILES_AT_MOST):
                self.life.hear_all()
                if not self.work(worker):
                    break
            else:
                raise AssertionError(f"never at rest: {self.life.due(worker)}, {self.api.writes[-10:]}")
        self.life.hear_all()

    def calm_down(self) -> None:
        """Everybody does their part until nothing happens any more; then all must be as it is wanted."""
        quiet_s = 0
        for _ in range(CALM_ROUNDS):
            before = self.api.version
            self.work_until_quiet()
            self.others_do_their_part()
            quiet_s = quiet_s + CALM_STEP_S if self.api.version == before else 0
            if quiet_s > QUIET_S or (quiet_s and not any(q.keys for q in self.life.queues)):
                break
            self.api.now += timedelta(seconds=CALM_STEP_S)
        else:
            raise AssertionError(f"still busy: {self.api.writes[-20:]}")
        self.no_write_changes_nothing()
        self.all_is_as_wanted()

    def teardown(self) -> None:
        try:
            self.users_let_it_work()
            self.calm_down()
        finally:
            self.loop.close()
