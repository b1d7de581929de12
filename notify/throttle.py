"""The limits of providers and senders, counted in Redis for all workers, or by each while it is away."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from redis import Redis

from notify.domain.delivery import PlannedCall
from notify.domain.rate_limits import (
    FIRST_LOOK_SECONDS,
    LONGEST_WAIT_SECONDS,
    RANKS,
    ROUNDING,
    WANTED_SECONDS,
    Meter,
    ProviderLimits,
    bare,
)
from notify.domain.requests import Lane
from notify.reaching_redis import Reach

_PREFIX: Final = "notify:limits:"
_NEWS_SECONDS: Final = 0.05
_MOST_UNRETURNED: Final = 1000
_MOST_AT_ONCE: Final = 1000  # Lua's stack bounds how many a script can add in one command
_LONGEST_HOLD_SECONDS: Final = 86_400.0

_RANK: Final = {lane: number for number, lane in enumerate(RANKS, 1)}

_Account = tuple[str, str]
"""A provider, and a sender without its display name."""

# The sums of `domain.rate_limits.Meter`, for several accounts in one round trip, by Redis' own clock.
# For each account: a hash (hold, full1…full3, want1…want3) and two sorted sets of calls by when they lapse.
_ADMIT: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local asked = cjson.decode(ARGV[1])
local answers, holds = {}, {}
for number, account in ipairs(asked.accounts) do
  local key = number * 3 - 2
  local state, sets = KEYS[key], {KEYS[key + 1], KEYS[key + 1], KEYS[key + 2]}
  local rate, burst, concurrent = account.rate, account.burst, account.concurrent
  local read = redis.call('HMGET', state, 'hold', 'full1', 'full2', 'full3', 'want1', 'want2', 'want3')
  local hold = tonumber(read[1] or 0)
  local full, want = {}, {}
  for rank = 1, 3 do
    full[rank], want[rank] = tonumber(read[1 + rank] or 0), tonumber(read[4 + rank] or 0)
  end
  local flying, bulk = 0, 0
  if hold <= now and account.places then
    for _, set in ipairs({sets[1], sets[3]}) do
      redis.call('ZREMRANGEBYSCORE', set, '-inf', now)
    end
    bulk = redis.call('ZCARD', sets[3])
    flying = bulk + redis.call('ZCARD', sets[1])
  end
  local behind, begun, changed = {}, {{}, {}, {}}, false
  for _, call in ipairs(account.calls) do
    local rank, messages = call[1], call[2]
    local wait = behind[rank] or 0
    if hold > now then
      wait = hold - now
    elseif wait == 0 then
      local most = messages > 1 and account.bulk_concurrent or account.bulk_singles
      local blocked = rank == 3 and bulk >= most
      blocked = blocked or (concurrent > 0 and flying >= concurrent - account.reserve * (rank - 1))
      for ahead = 1, rank - 1 do
        blocked = blocked or want[ahead] > now
      end
      if blocked then
        wait, want[rank], changed = asked.looks[rank], now + asked.wanted, true
      elseif rate > 0 then
        local debt, need = math.max(0, full[rank] - now), math.min(messages, burst)
        if debt > (burst - need) / rate + asked.rounding then
          if rank == 3 then need = math.max(need, burst / 2) end
          wait = math.max(debt - (burst - need) / rate, 0.001)
        end
      end
    end
    if wait > 0 then
      if hold <= now then behind[rank] = wait + (rate > 0 and messages / rate or 0) end
    else
      if rank == 3 or concurrent > 0 then
        flying, bulk = flying + 1, bulk + (rank == 3 and 1 or 0)
        table.insert(begun[rank], now + asked.lease)
        table.insert(begun[rank], call[3])
      end
      if rate > 0 then
        changed = true
        for after = rank, 3 do
          full[after] = math.max(full[after], now) + messages / rate
        end
      end
    end
    table.insert(answers, math.ceil(wait * 1e6))
  end
  for rank = 1, 3 do
    if #begun[rank] > 0 then
      redis.call('ZADD', sets[rank], unpack(begun[rank]))
      redis.call('PEXPIRE', sets[rank], math.ceil(asked.lease * 1000))
    end
  end
  if changed then
    local values = {}
    for rank = 1, 3 do
      table.insert(values, 'full' .. rank)
      table.insert(values, string.format('%.6f', full[rank]))
      table.insert(values, 'want' .. rank)
      table.insert(values, string.format('%.6f', want[rank]))
    end
    redis.call('HSET', state, unpack(values))
    redis.call('EXPIRE', state, math.ceil(math.max(hold - now, full[3] - now, 0)) + 60)
  end
  table.insert(holds, math.ceil(math.max(0, hold - now) * 1e6))
end
for _, hold in ipairs(holds) do
  table.insert(answers, hold)
end
return answers
"""

_HOLD: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1e6
local till = now + tonumber(ARGV[1])
if till > tonumber(redis.call('HGET', KEYS[1], 'hold') or 0) then
  redis.call('HSET', KEYS[1], 'hold', string.format('%.6f', till))
  local kept = redis.call('TTL', KEYS[1])
  redis.call('EXPIRE', KEYS[1], math.max(math.ceil(tonumber(ARGV[1])) + 60, kept))
end
"""


class RedisThrottle:
    """Implements `ports.Throttle`. It never raises, and waits for Redis half a second at most.

    While Redis is away each process keeps the limits by itself, with the same sums; one thread at a time
    tries Redis again, a second after the last try failed. Its keys hold digests of senders.
    """

    def __init__(
        self,
        connection: Redis,
        limits: ProviderLimits,
        lease_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`connection` has short time-outs; a call that never came back counts for `lease_seconds`."""
        self._connection = connection
        self._limits = limits
        self._lease = lease_seconds
        self._clock = clock
        self._admit = connection.register_script(_ADMIT)
        self._hold = connection.register_script(_HOLD)
        self._looks = [FIRST_LOOK_SECONDS[lane] for lane in RANKS]
        self._lock = threading.Lock()
        self._meters: dict[_Account, Meter] = {}
        self._unreturned: list[PlannedCall] = []
        self._reach = Reach(
            without="limits hold for each process", again="limits hold for all workers together"
        )

    def admit(self, calls: Sequence[PlannedCall]) -> list[float]:
        """Return how long each call is to wait; a lane keeps the order it was given in."""
        if len(calls) > _MOST_AT_ONCE:
            return [*self.admit(calls[:_MOST_AT_ONCE]), *self.admit(calls[_MOST_AT_ONCE:])]
        accounts: dict[_Account, list[int]] = {}
        for index, call in enumerate(calls):
            accounts.setdefault((call.provider, bare(call.sender)), []).append(index)
        if not accounts:
            return []
        found = self._reach(lambda: self._ask(accounts, calls))
        waits = [0.0] * len(calls)
        for account, some in (found or self._by_ourselves(accounts, calls)).items():
            for index, wait in zip(accounts[account], some, strict=True):
                waits[index] = wait
        return waits

    def finished(self, calls: Sequence[PlannedCall]) -> None:
        """Give places back; what Redis cannot be told now it is told later, or finds out by itself."""
        with self._lock:
            for account, some in _by_account(calls):
                for call in some:
                    self._meter(account).finished(call.key)
            back = [*self._unreturned, *(call for call in calls if self._has_place(call))]
            self._unreturned = []
        if back and self._reach(lambda: self._give_back(back)) is None:
            with self._lock:
                self._unreturned = [*back, *self._unreturned][-_MOST_UNRETURNED:]

    def hold(self, provider: str, sender: str, seconds: float) -> None:
        """Let nobody call for so long, a day at most; a hold never shrinks."""
        seconds = min(max(seconds, 0.0), _LONGEST_HOLD_SECONDS)
        account = (provider, bare(sender))
        with self._lock:
            self._meter(account).hold(self._clock() + seconds)
        self._reach(lambda: self._hold(keys=[_keys(account)[0]], args=[seconds]) or True)

    def held(self, provider: str) -> float:
        """Return for how many seconds a provider is held, for some sender, as far as this process knows."""
        now = self._clock()
        with self._lock:
            meters = [meter for (name, _), meter in self._meters.items() if name == provider]
            return max([0.0, *(meter.held_until - now for meter in meters)])

    def _has_place(self, call: PlannedCall) -> bool:
        """Whether the call is counted among those in flight."""
        return call.lane is Lane.BULK or self._limits.of(call.provider, call.sender).concurrent is not None

    def _meter(self, account: _Account) -> Meter:
        """Return this process's own account; the lock is held."""
        if account not in self._meters:
            self._meters[account] = Meter(self._limits.of(*account), self._lease)
        return self._meters[account]

    def _by_ourselves(
        self, accounts: dict[_Account, list[int]], calls: Sequence[PlannedCall]
    ) -> dict[_Account, list[float]]:
        now = self._clock()
        with self._lock:
            return {
                account: self._meter(account).admit([calls[index] for index in some], now)
                for account, some in accounts.items()
            }

    def _ask(
        self, accounts: dict[_Account, list[int]], calls: Sequence[PlannedCall]
    ) -> dict[_Account, list[float]]:
        """Ask Redis, in one round trip."""
        asked = []
        for account, some in accounts.items():
            ours = [calls[index] for index in some]
            limits = self._limits.of(*account)
            asked.append(
                {
                    "rate": limits.per_second or 0,
                    "burst": limits.burst,
                    "concurrent": limits.concurrent or 0,
                    "bulk_concurrent": limits.bulk_concurrent,
                    "bulk_singles": limits.bulk_singles,
                    "reserve": limits.reserve,
                    "places": any(map(self._has_place, ours)),
                    "calls": [(_RANK[call.lane], call.messages, call.key) for call in ours],
                }
            )
        request = {
            "lease": self._lease,
            "wanted": WANTED_SECONDS,
            "looks": self._looks,
            "rounding": ROUNDING,
            "accounts": asked,
        }
        keys = [key for account in accounts for key in _keys(account)]
        return self._read(accounts, self._admit(keys=keys, args=[json.dumps(request)]))

    def _read(
        self, accounts: dict[_Account, list[int]], answer: Sequence[int]
    ) -> dict[_Account, list[float]]:
        """Note holds that are news; who is held then asks again at once, since another provider may do."""
        found, at, now = {}, 0, self._clock()
        for (account, some), hold in zip(accounts.items(), answer[-len(accounts) :], strict=True):
            found[account] = [min(wait / 1e6, LONGEST_WAIT_SECONDS) for wait in answer[at : at + len(some)]]
            at += len(some)
            if hold:
                with self._lock:
                    meter = self._meter(account)
                    news = meter.held_until <= now
                    meter.hold(now + hold / 1e6)
                if news:
                    found[account] = [_NEWS_SECONDS] * len(some)
        return found

    def _give_back(self, calls: Sequence[PlannedCall]) -> bool:
        names: dict[str, list[str]] = {}
        for account, some in _by_account(calls):
            _, orders, bulk = _keys(account)
            for call in some:
                names.setdefault(bulk if call.lane is Lane.BULK else orders, []).append(call.key)
        with self._connection.pipeline(transaction=False) as pipe:
            for name, keys in names.items():
                pipe.zrem(name, *keys)
            pipe.execute()
        return True


def _keys(account: _Account) -> list[str]:
    """Return the names of an account's hash, and of its sorted sets of orders' and of campaigns' calls."""
    provider, sender = account
    start = f"{_PREFIX}{provider}:{hashlib.sha256(sender.encode()).hexdigest()[:16]}"
    return [start, f"{start}:orders", f"{start}:bulk"]


def _by_account(calls: Iterable[PlannedCall]) -> Iterable[tuple[_Account, list[PlannedCall]]]:
    found: dict[_Account, list[PlannedCall]] = {}
    for call in calls:
        found.setdefault((call.provider, bare(call.sender)), []).append(call)
    return found.items()
