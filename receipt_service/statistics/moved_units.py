"""Units that move in the directory: the sums of the rollup follow."""

from sqlalchemy import Connection

from receipt_service.statistics.lattice import unit_area
from receipt_service.statistics.units import UnitTree
from receipt_service.storage import directory, rollup_units


def directory_tree(connection: Connection) -> UnitTree:
    """Read the tree of units from the directory."""
    return UnitTree({unit.code: unit.parent_code for unit in directory.units(connection).values()})


def move_units(connection: Connection, old: UnitTree, new: UnitTree) -> None:
    """Make the sums of units again that another tree changes, in every month."""
    moved, gained, lost = old.changes_to(new)
    if not moved:
        return
    for month in rollup_units.months(connection):
        counted = {unit for unit in moved if rollup_units.has_rows(connection, month, unit_area(unit))}
        above = {each for unit in counted for each in {*old.ancestors(unit)} ^ {*new.ancestors(unit)}}
        for unit in gained:  # what stood as its sum were its own checks
            rollup_units.rename(connection, month, unit_area(unit), new.own_area(unit))
        for unit in (above | lost) - gained:
            rollup_units.drop(connection, month, unit_area(unit))
        for unit in lost:
            rollup_units.rename(connection, month, old.own_area(unit), unit_area(unit))
        for unit in (above | gained) - lost:
            rollup_units.add_up(connection, month, unit_area(unit), map(new.own_area, new.subtree(unit)))
