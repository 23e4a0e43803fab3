"""What searches read: one entry for each published measure, and cells of like meaning."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db.base import NEVER_REUSE_IDS, Base


class SearchEntry(Base):
    """A published measure as searches see it, made from its rows by ``entries.refresh``.

    ``terms`` are what it can be found by: facts such as ``topic_job`` and folded words,
    between single spaces, no term twice. The database's full-text index follows them
    (SQLite by triggers, PostgreSQL by a generated column). ``vectors`` are codes of
    ``codes.py``, one for each passage of its texts, made by ``model`` of the texts whose
    hash is ``texts_hash``. ``measure_updated_at`` tells whether the measure changed
    since. ``positions`` are pairs of latitude and longitude in degrees (WGS 84).
    """

    __tablename__ = "measure_search"
    __table_args__ = (Index("ix_measure_search_model", "model"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    measure_id: Mapped[str] = mapped_column(
        ForeignKey("measure.id", ondelete="CASCADE"), unique=True
    )
    measure_updated_at: Mapped[datetime]
    provider: Mapped[str] = mapped_column(String(36), default="")
    fresh_on: Mapped[date | None]
    positions: Mapped[list[Any]] = mapped_column(JSON, default=list)
    terms: Mapped[str] = mapped_column(Text)
    vectors: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    texts_hash: Mapped[str] = mapped_column(String(64), default="")
    model: Mapped[str] = mapped_column(String(80), default="")


class SearchCell(Base):
    """The centre of vectors that are near each other, as float32 numbers.

    Large databases only. ``members`` are sketches of the vectors that lie in the cell
    (``sketches.py``), so that the nearest entries are found without reading all. ``model``
    names the vectors and the kind of sketch. Searches use cells that are ``ready``: all
    entries have been sorted into them.
    """

    __tablename__ = "measure_cell"
    __table_args__ = (NEVER_REUSE_IDS,)

    number: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(80), index=True)
    ready: Mapped[bool] = mapped_column(default=False)
    centre: Mapped[bytes] = mapped_column(LargeBinary)
    members: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class Unsorted(Base):
    """Says that the cells do not know an entry yet, or not as it is now.

    ``vectors``, made by ``model``, are those with which the cells know it. The entry may
    have been deleted.
    """

    __tablename__ = "measure_unsorted"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    vectors: Mapped[bytes] = mapped_column(LargeBinary)
    model: Mapped[str] = mapped_column(String(80))
