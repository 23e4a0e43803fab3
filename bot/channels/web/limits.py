"""How often somebody may write."""

from __future__ import annotations

from bot.rates import Rate

PER_SESSION = Rate(per_minute=20, burst=10)
# Many people share one address: a shelter, a mobile network, a library.
PER_CLIENT = Rate(per_minute=240, burst=120)
