"""Two sets of rows side by side: what was counted before and after."""
from statistics import median

from lab import runs


def change(before, after, number_format):
    """The medians, "before -> after"; one when they read the same."""
    texts = [format(median(values), number_format) for values in (before, after)]
    return " -> ".join(dict.fromkeys(texts))


def column_change(before, after, name, number_format):
    return change(*(runs.column(rows, name) for rows in (before, after)), number_format)


def rate_change(before, after, name):
    """Events per 1,000 pairs; a revision without the counter has none."""
    return change(*([1000 * (row[name] or 0) / row["pairs"] for row in rows]
                    for rows in (before, after)), ".2f")
