"""Inserting many rows at once, the fast way of each database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, cast, func, insert, select
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.orm import Session


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts rows in their order, in the caller's transaction; none is nothing to do.

    Every row names the same columns, as Python values; a column that none of them names
    gets the database's own value, not a default of the model.
    """
    if not rows:
        return
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, table, rows)
    else:
        session.execute(insert(table), list(rows))


def insert_numbered(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]]
) -> Sequence[int]:
    """Inserts rows as ``insert_rows`` does; returns their numbers, in the order of the rows.

    The table's key is a number ``id`` that the database gives and the rows do not name.
    """
    if not rows:
        return []
    if session.get_bind().dialect.name != "postgresql":
        given = insert(table).returning(table.c.id, sort_by_parameter_order=True)
        return session.scalars(given, list(rows)).all()
    # COPY returns nothing, so the numbers are drawn before.
    sequence = func.pg_get_serial_sequence(table.name, "id")
    numbers = session.scalars(
        select(func.nextval(cast(sequence, REGCLASS))).select_from(
            func.generate_series(1, len(rows))
        )
    ).all()
    _copy(session, table, [{**row, "id": key} for row, key in zip(rows, numbers, strict=True)])
    return numbers


def _copy(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    # One INSERT a row costs PostgreSQL's driver and server several times what the row does.
    connection = session.connection()
    dialect = connection.dialect
    names = list(rows[0])
    processors = [
        table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
    ]
    quoted = dialect.identifier_preparer
    columns = ", ".join(quoted.format_column(table.c[name]) for name in names)
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {quoted.format_table(table)} ({columns}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(
                [
                    processor(row[name]) if processor else row[name]
                    for name, processor in zip(names, processors, strict=True)
                ]
            )
