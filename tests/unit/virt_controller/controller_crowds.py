"""A world for histories of what makes many: a set or a pool, its controller, and everybody else's part played for it.

The API server in memory and its lagging caches are `controller_world`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from controller_world import Api, LaggingImporter, LaggingInformer, Told, as_object, refused
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kubevirt.api.instancetypes.resources import (
    CLUSTER_INSTANCETYPES,
    CLUSTER_PREFERENCES,
    INSTANCETYPES,
    PREFERENCES,
)
from kubevirt.api.resources import KUBEVIRTS, NODES, PODS, PVCS, VMI_REPLICASETS, VMIS, VMS, Resource
from kubevirt.kube.errors import AlreadyExists, Conflict, NotFound, ServerTrouble
from kubevirt.virt_controller import stores as store_module
from kubevirt.virt_controller.act import Performer
from kubevirt.virt_controller.pool.resource import POOLS
from kubevirt.virt_controller.revision import START_REVISIONS
from kubevirt.virt_controller.stores import Stores

CALM_ROUNDS = 60
INDEXES: dict[str, dict[str, Any]] = {
    VMS.plural: {"claim": store_module.claims_of_vm, "controller": store_module.controller_uid,
                 "pooled": store_module.pool_of_vm},
    VMIS.plural: {"controller": store_module.controller_uid, "free": store_module.namespace_of_free,
                  "claim": store_module.claims_of_vmi, "node": store_module.node_of_vmi},
    START_REVISIONS.plural: {"controller": store_module.controller_uid},
    PODS.plural: {"controller": store_module.controller_uid},
    VMI_REPLICASETS.plural: {"namespace": store_module.namespace_of},
}


class Queue:
    """Keys to be looked at; delays are over at once."""

    def __init__(self) -> None:
        self.keys: dict[str, None] = {}

    def add(self, key: str) -> None:
        self.keys[key] = None

    def add_after(self, key: str, seconds: float) -> None:
        self.add(key)


class Crowds(Api):
    """The API server, and how many writes of a kind one pass has made."""

    async def get(self, res: Resource[Any], name: str, namespace: str | None = None) -> Any:
        if (res.plural, name) not in self.objects:
            raise refused(NotFound, 404, f"{res.plural} {name!r} not found")
        return as_object(res, self.objects[res.plural, name])

    def orphan(self, res: Resource[Any], name: str) -> None:
        """Takes the owners off an object, as the garbage collector does for an orphan deletion."""
        self.update(res, name, lambda o: o["metadata"].pop("ownerReferences", None))

    def collect_garbage(self) -> None:
        """Objects whose controller is gone go too."""
        uids = {o["metadata"]["uid"] for o in self.objects.values()}
        for res in (VMS, VMIS, START_REVISIONS):
            for obj in self.all(res):
                owners = obj["metadata"].get("ownerReferences", [])
                gone = owners and all(o["uid"] not in uids for o in owners)
                if gone and not obj["metadata"].get("deletionTimestamp"):
                    self.remove(res, obj["metadata"]["name"])


MakeController = Callable[[Stores, Any, Performer, Queue, Crowds], Any]


class Life:
    """One life of virt-controller: its caches start with a list, and everything it knows dies with it."""

    def __init__(self, api: Crowds, make: MakeController) -> None:
        self.api = api
        api.watchers.clear()
        kinds = {"vms": VMS, "vmis": VMIS, "pods": PODS, "nodes": NODES, "claims": PVCS, "revisions": START_REVISIONS,
                 "kubevirts": KUBEVIRTS, "replicasets": VMI_REPLICASETS, "pools": POOLS,
                 "instancetypes": INSTANCETYPES, "cluster_instancetypes": CLUSTER_INSTANCETYPES,
                 "preferences": PREFERENCES, "cluster_preferences": CLUSTER_PREFERENCES}
        informers: dict[str, Any] = {
            name: LaggingInformer(api, res, INDEXES.get(res.plural, {})) for name, res in kinds.items()}
        self.informers: list[LaggingInformer] = list(informers.values())
        informers["importer"] = LaggingImporter(api)
        api.someone_is_behind = lambda: any(i.unheard for i in self.informers)
        self.told = Told()
        self.queue = Queue()
        recorder: Any = self.told
        client: Any = api
        stores = Stores(**informers)
        self.controller = make(stores, client, Performer(client, recorder, stores), self.queue, api)

    async def work(self) -> bool:
        """One reconcile of the first key; failures come back at once."""
        if not self.queue.keys:
            return False
        key = next(iter(self.queue.keys))
        del self.queue.keys[key]
        try:
            again_s = await self.controller.reconcile(key)
        except (Conflict, ServerTrouble, AlreadyExists):
            again_s = 0.0
        if again_s is not None:
            self.queue.add(key)
        return True

    def hear_all(self) -> None:
        for informer in self.informers:
            informer.hear()


class CrowdHistories(RuleBasedStateMachine):
    """Trouble that befalls every controller: lost answers, stale caches, crashes. The rest is the subclasses'."""

    def __init__(self) -> None:
        super().__init__()
        self.api = Crowds()
        self.life = Life(self.api, self.make_controller)
        self.loop = asyncio.new_event_loop()

    def make_controller(self, stores: Stores, client: Any, performer: Performer, queue: Any, api: Crowds) -> Any:
        raise NotImplementedError

    def others_do_their_part(self) -> None:
        """Everybody but the controller, once."""
        raise NotImplementedError

    def all_is_as_wanted(self) -> None:
        """What must be true when nothing happens any more."""
        raise NotImplementedError

    def users_let_it_work(self) -> None:
        """Whatever keeps the controller from its work is taken away, so that something is to be seen in the end."""
        raise NotImplementedError

    def teardown(self) -> None:
        try:
            self.users_let_it_work()
            self.calm_down()
        finally:
            self.loop.close()

    @rule(passes=st.integers(1, 4), call=st.integers(0, 8), trouble=st.sampled_from(["before", "after"]))
    def controller_works(self, passes: int, call: int, trouble: str) -> None:
        """Some passes, in which one call to the API fails, or its answer is lost (call 0: none)."""
        self.api.trouble, self.api.calls_until_trouble = trouble, call
        for _ in range(passes):
            self.loop.run_until_complete(self.life.work())
        self.api.calls_until_trouble = 0

    @rule(deaf=st.sets(st.integers(0, 8), max_size=4), events=st.sampled_from([1, 3, 1000]))
    def caches_hear(self, deaf: set[int], events: int) -> None:
        for number, informer in enumerate(self.life.informers):
            if number not in deaf:
                informer.hear(events)

    @rule()
    def controller_is_killed(self) -> None:
        self.life = Life(self.api, self.make_controller)

    @rule()
    def others_work(self) -> None:
        self.others_do_their_part()

    @rule(rounds=st.integers(2, 6))
    def all_goes_well_for_a_while(self, rounds: int) -> None:
        for _ in range(rounds):
            self.life.hear_all()
            for _ in range(3):
                self.loop.run_until_complete(self.life.work())
            self.others_do_their_part()

    @invariant()
    def no_write_changes_nothing(self) -> None:
        assert self.api.idle_writes == []

    def calm_down(self) -> None:
        for _ in range(CALM_ROUNDS):
            before = self.api._version
            self.life.hear_all()
            while self.life.queue.keys:
                self.loop.run_until_complete(self.life.work())
                self.life.hear_all()
            self.others_do_their_part()
            if self.api._version == before:
                break
            self.api.now += timedelta(seconds=30)
        else:
            raise AssertionError(f"still busy: {self.api.writes[-20:]}")
        self.no_write_changes_nothing()
        self.all_is_as_wanted()


def is_deleting(obj: dict[str, Any]) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def finish(api: Crowds, res: Resource[Any], obj: dict[str, Any], *finalizers: str) -> None:
    """Takes finalizers off an object, as their owners do; an object that is deleting goes with its last."""
    held = obj["metadata"].get("finalizers", [])
    left = [f for f in held if f not in finalizers]
    if left == held:
        return
    if is_deleting(obj) and not left:
        api.vanish(res, obj["metadata"]["name"])
    else:
        api.update(res, obj["metadata"]["name"], lambda o: o["metadata"].update(finalizers=left))
