"""What became of each fault and each alert, and the table that is printed of it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Row:
    """One kind of fault. ``deadline_s`` None: it must change nothing, so nothing is reported."""

    deadline_s: float | None
    injected: int = 0
    told: int = 0
    recovered: int = 0
    worst_s: float = 0.0


@dataclass(slots=True)
class Tally:
    """Rows by the fault's name, and what went wrong in words."""

    rows: dict[str, Row] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    not_here: list[str] = field(default_factory=list)  # faults that this machine cannot have
    expected: int = 0  # alerts that had to come
    heard: int = 0

    def row(self, name: str, deadline_s: float | None) -> Row:
        """Return the row of a fault, made when first asked for."""
        return self.rows.setdefault(name, Row(deadline_s))

    def told(self, name: str, after_s: float) -> None:
        """Note that a fault was reported; too late is wrong."""
        row = self.rows[name]
        row.told += 1
        row.worst_s = max(row.worst_s, after_s)
        if row.deadline_s is not None and after_s > row.deadline_s:
            self.wrong.append(f"{name}: told after {after_s:.2f} s, allowed {row.deadline_s:.2f} s")

    def judge(self) -> list[str]:
        """Return all that is wrong, rows included."""
        found = list(self.wrong)
        for name, row in self.rows.items():
            if row.deadline_s is not None and row.told < row.injected:
                found.append(f"{name}: {row.injected - row.told} of {row.injected} not told")
            if row.recovered < row.injected:
                missing = row.injected - row.recovered
                found.append(f"{name}: {missing} of {row.injected} not recovered from")
        return found

    def table(self) -> str:
        """Return the table as text."""
        head = ("fault", "injected", "told", "recovered", "worst s", "allowed s")
        lines = [head]
        for name, row in self.rows.items():
            told = "-" if row.deadline_s is None else str(row.told)
            times = ("-", "-")
            if row.deadline_s is not None:
                times = (f"{row.worst_s:.2f}", f"{row.deadline_s:.2f}")
            lines.append((name, str(row.injected), told, str(row.recovered), *times))
        lines += [(name, "not here", "", "", "", "") for name in self.not_here]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )
