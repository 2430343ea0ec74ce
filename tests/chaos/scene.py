"""One trial's installation: its topics, group and Redis of its own, its scorers, and the producer."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

from roompulse.kafka_client import make_admin
from roompulse.kafka_topics import create_topics
from roompulse.settings import Settings
from roompulse.topics import Topics
from tests.chaos.feed import Feed
from tests.chaos.member import Member
from tests.chaos.plan import Plan
from tests.chaos.servers import RoughKafka, RoughRedis
from tests.chaos.stream import PARTITIONS

SESSION_S = 3
START_S = 60.0
ACCEPTED_ENDS = {0, -9, -15}
"""Of a scorer that is told to stop: done, or it was just starting again."""


class Scene:
    """Everything that faults act on."""

    def __init__(self, plan: Plan, kafka: RoughKafka, redis: RoughRedis, folder: Path, prefix: str) -> None:
        self.plan, self.kafka, self.redis, self.folder = plan, kafka, redis, folder
        self.topics = Topics(prefix)
        self.settings = Settings(
            bootstrap_servers=kafka.address,
            topic_prefix=prefix,
            group_id=f"{prefix}scorer",
            redis_prefix=f"{prefix}rp",
        )
        self.members: dict[str, Member] = {}
        self._joining = threading.Lock()
        self.troubles: list[str] = []
        self.missed: list[str] = []
        """Faults that did not strike."""
        create_topics(self.settings, self.topics, PARTITIONS)
        self._chance = random.Random(plan.name)
        self.feed: Feed

    def begin(self) -> None:
        """Start the scorers and the producer: one after the other, or at once where the plan says so."""
        for name in ("one", "two")[: self.plan.scorers]:
            self.join(name)
        if not self.plan.early:
            self.until_live("one", "two")
        self.feed = Feed(self.settings, self.topics.minutes, self._chance)

    def join(self, name: str, instance: str = "") -> Member:
        """The scorer that goes by this name in the trial, started if it is not there."""
        with self._joining:  # two faults may ask for the same scorer at once
            if name not in self.members:
                plan, settings = self.plan, self.settings
                way = self.kafka.rough_address if plan.rough_kafka else self.kafka.address
                url = self.redis.rough_url if plan.rough_redis else f"redis://{self.redis.address}/0"
                arguments = [
                    "--client", plan.client, "--bootstrap-servers", way, "--topic-prefix", settings.topic_prefix,
                    "--group-id", settings.group_id, "--redis-url", url, "--redis-prefix", settings.redis_prefix,
                    "--metrics-port", "0", "--session-timeout-s", str(SESSION_S), "--max-batch", str(plan.max_batch),
                    "--quiet-clock-s", "0", "--no-auto-demote",
                ]  # fmt: skip
                if plan.static:
                    arguments.append("--static-membership")
                self.members[name] = Member(instance or name, arguments, self.folder / name.replace(" ", "-"))
            return self.members[name]

    def one_of(self, chance: random.Random) -> Member:
        """One of the scorers that the trial began with."""
        return self.members[chance.choice(("one", "two")[: self.plan.scorers])]

    def until_live(self, *names: str, within_s: float = START_S) -> bool:
        """Wait until one of these scorers serves a partition; False where that takes too long."""
        return self.until_said("live from offset", *names, within_s=within_s)

    def until_said(
        self, words: str, *names: str, since: dict[str, int] | None = None, within_s: float = START_S
    ) -> bool:
        """Wait until one of these scorers says so in its log, `since` the lengths of their logs."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            members = [self.members[name] for name in names if name in self.members]
            if any(words in member.log[(since or {}).get(member.name, 0) :] for member in members):
                return True
            time.sleep(0.1)
        return False

    def leave(self, name: str, *, kindly: bool) -> None:
        """A scorer goes for good."""
        member = self.members.pop(name)
        if kindly:
            self._note_end(member, member.stop())
        else:
            member.dismiss()
            member.kill()

    def end(self) -> None:
        """Stop every scorer; what went wrong with one is a trouble of this trial."""
        for name in list(self.members):
            self._note_end(self.members[name], self.members[name].stop())
        for log in self.folder.glob("*/log"):
            if "Traceback" in log.read_text(encoding="utf-8", errors="replace"):
                self.troubles.append(f"a traceback in {log}")

    def clean_up(self) -> None:
        """Leave nothing behind on the broker, which serves many trials."""
        for member in self.members.values():
            member.dismiss()
            member.kill()
        with make_admin(self.settings) as admin:
            admin.delete_topics(list(self.topics.all))

    def _note_end(self, member: Member, code: int | None) -> None:
        if code is None:
            self.troubles.append(f"hang: scorer {member.name} did not end when told to")
        elif code not in ACCEPTED_ENDS and not member.superseded:
            self.troubles.append(f"scorer {member.name} ended with {code}")
